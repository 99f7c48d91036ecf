import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, parseRecipe, partsOfRecipe } from '../../../../guest-sdk/protocol/index.ts';

const SERVICE = { run: 'httpd', port: 80 };
const PART = { digest: `sha256:${'a'.repeat(64)}`, bytes: 3 };

const recipe = suite('a recipe');

recipe('says only what is needed', () => {
  const { base, packages, files, script, service } = parseRecipe({ service: SERVICE });
  assert.equal({ base, packages, files, script }, { base: 'default', packages: [], files: [], script: '' });
  assert.is(service.protocol, 'http');
});

recipe('names the parts of its files once', () => {
  const files = [
    { path: '/a', parts: [PART, PART] },
    { path: '/b', parts: [PART] },
    { path: '/c', text: '' },
  ];
  assert.equal(partsOfRecipe(parseRecipe({ service: SERVICE, files })), [PART]);
  const torn = parseRecipe({ service: SERVICE, files: [{ path: '/a', parts: [PART, { ...PART, bytes: 4 }] }] });
  assert.throws(() => partsOfRecipe(torn), /is said to have 3 bytes, and 4/);
});

for (const [what, value, sentence] of [
  ['nothing', {}, /service is missing/],
  ['an unknown key', { service: SERVICE, package: [] }, /package is not a known key/],
  ['another base', { service: SERVICE, base: 'latest' }, /base must be/],
  [
    'a package that is an option of apt',
    { service: SERVICE, packages: ['-y'] },
    /packages\.0 must be a name of a Debian package/,
  ],
  ['a package that is a path', { service: SERVICE, packages: ['./a.deb'] }, /packages\.0/],
  ['a package with a second word', { service: SERVICE, packages: ['a b'] }, /packages\.0/],
  ['a package with a command', { service: SERVICE, packages: ['gocr;reboot'] }, /packages\.0/],
  ['a package of another release', { service: SERVICE, packages: ['gocr/sid'] }, /packages\.0/],
  [
    'a relative path',
    { service: SERVICE, files: [{ path: 'a', text: '' }] },
    /files\.0\.path must be an absolute path/,
  ],
  ['a path that climbs', { service: SERVICE, files: [{ path: '/a/../b', text: '' }] }, /files\.0\.path/],
  ['the root as a file', { service: SERVICE, files: [{ path: '/', text: '' }] }, /files\.0\.path/],
  ['a control character in a path', { service: SERVICE, files: [{ path: '/a\nb', text: '' }] }, /files\.0\.path/],
  [
    'a path twice',
    {
      service: SERVICE,
      files: [
        { path: '/a', text: '' },
        { path: '/a', text: 'b' },
      ],
    },
    /different paths/,
  ],
  ['a file without content', { service: SERVICE, files: [{ path: '/a' }] }, /either "text" or "parts"/],
  ['a file with two contents', { service: SERVICE, files: [{ path: '/a', text: '', parts: [PART] }] }, /either "text"/],
  ['a mode with a set-user bit', { service: SERVICE, files: [{ path: '/a', text: '', mode: '4755' }] }, /mode/],
  [
    'a part that is too long',
    { service: SERVICE, files: [{ path: '/a', parts: [{ ...PART, bytes: 2 ** 23 }] }] },
    /bytes/,
  ],
  ['a script that is too long', { service: SERVICE, script: 'x'.repeat(70_000) }, /script/],
] as const) {
  recipe(`with ${what} is refused`, () => {
    assert.throws(
      () => parseRecipe(value),
      (error: CloudletError) => {
        assert.is(error.code, 'recipe-invalid');
        assert.match(error.message, sentence);
        return true;
      },
    );
  });
}

recipe.run();
