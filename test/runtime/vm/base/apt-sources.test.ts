import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyringsOf, sourcesOf, sourcesText } from '../../../../runtime/vm/base/apt-sources.ts';

const sources = suite('the sources of packages');

const DEB822 = `# A comment
Types: deb deb-src
URIs: http://mirror.example/debian http://other.example/debian/
Suites: stable
Components: main
Signed-By: /usr/share/keyrings/a.gpg

Types: deb
URIs: http://third.example/debian
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
`;
const ONE_LINE = `# deb [signed-by=/no.gpg] http://commented.example/debian stable main
deb [arch=amd64 signed-by=/etc/keys/b.gpg] https://mirror2.example/debian/ stable main
deb http://plain.example/debian stable main
deb-src [signed-by=/no.gpg] http://src.example/debian stable main
`;

sources('name their keyrings in either notation of apt', () => {
  assert.equal(
    [...keyringsOf([DEB822, ONE_LINE])],
    [
      ['http://mirror.example/debian', '/usr/share/keyrings/a.gpg'],
      ['http://other.example/debian', '/usr/share/keyrings/a.gpg'],
      ['https://mirror2.example/debian', '/etc/keys/b.gpg'],
    ],
  );
});

const TARGETS = `http://mirror.example/debian/\tstable\tmain\t/lists/a_main
http://mirror.example/debian/\tstable\tcontrib\t/lists/a_contrib
http://mirror.example/debian/\tstable-updates\tmain\t/lists/b_main
file:/srv/debian/\tstable\tmain\t/lists/c_main
http://x.example/"\tstable\tmain\t/lists/d

`;
const FOUND = [
  {
    uri: 'http://mirror.example/debian/',
    suite: 'stable',
    components: ['main', 'contrib'],
    keyring: '/usr/share/keyrings/a.gpg',
    lists: ['/lists/a_main', '/lists/a_contrib'],
  },
  {
    uri: 'http://mirror.example/debian/',
    suite: 'stable-updates',
    components: ['main'],
    keyring: '/usr/share/keyrings/a.gpg',
    lists: ['/lists/b_main'],
  },
];

sources('are what apt says that can be reached from elsewhere', () => {
  assert.equal(sourcesOf(TARGETS, keyringsOf([DEB822])), FOUND);
  assert.is(sourcesOf(TARGETS, new Map())[0]!.keyring, null);
});

sources('are written as apt reads them', () => {
  assert.is(
    sourcesText([FOUND[0]!, { ...FOUND[1]!, keyring: null }]),
    `Types: deb
URIs: http://mirror.example/debian/
Suites: stable
Components: main contrib
Signed-By: /usr/share/keyrings/a.gpg

Types: deb
URIs: http://mirror.example/debian/
Suites: stable-updates
Components: main
`,
  );
});

sources.run();
