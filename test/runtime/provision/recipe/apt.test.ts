import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installCommand, plannedVersions, sourceHosts } from '../../../../runtime/provision/recipe/apt.ts';

const apt = suite('what apt is asked and answers');

for (const [what, sources, hosts] of [
  [
    'lines',
    'deb [signed-by=/k] http://mirror.example.org/debian bookworm main\ndeb-src https://src.example.org/d b m',
    ['mirror.example.org', 'src.example.org'],
  ],
  [
    'stanzas',
    'Types: deb\nURIs: http://a.example.org/debian http://b.example.org:8080/debian\nSuites: bookworm\n',
    ['a.example.org', 'b.example.org:8080'],
  ],
  ['comments', '# deb http://old.example.org/debian bookworm main\n', []],
  ['other ways', 'deb cdrom:[Debian]/ bookworm main\ndeb file:/mirror bookworm main\n', []],
  ['the same twice', 'deb http://a.example.org/x y z\ndeb http://a.example.org/v w u\n', ['a.example.org']],
  [
    'addresses',
    'deb http://[fd00::1]:3142/debian bookworm main\ndeb http://10.0.0.1/debian bookworm main',
    ['10.0.0.1', '[fd00::1]:3142'],
  ],
  ['nothing', '', []],
] as const) {
  apt(`hosts of ${what}`, () => assert.equal(sourceHosts(sources), hosts));
}

apt('versions that a plan installs, also those in place of others', () => {
  const plan = `Reading package lists...
Inst libc6 [2.36-9] (2.36-10 Debian:12.11/stable [amd64]) []
Inst gocr (0.52-6 Debian:12.11/stable [amd64])
Conf libc6 (2.36-10 Debian:12.11/stable [amd64])
Conf gocr (0.52-6 Debian:12.11/stable [amd64])
`;
  assert.equal(plannedVersions(plan), ['gocr=0.52-6', 'libc6=2.36-10']);
  assert.equal(plannedVersions('0 upgraded, 0 newly installed'), []);
});

apt('no package is taken for an option', () => {
  assert.match(installCommand(['a', 'b=1']), / install -- a b=1 && /);
});

apt.run();
