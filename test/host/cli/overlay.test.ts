// end to end

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeSmallOverlay } from '../../support/small-overlay.ts';
import { CliLab } from './cli-lab.ts';

const overlays = suite<{ lab: CliLab }>('cloudlet vm overlay, synthesize');
overlays.before(async (context) => {
  context.lab = await CliLab.open();
  await writeFile(join(context.lab.folder, 'script'), 'true\n');
  await writeFile(join(context.lab.folder, 'torn.overlay'), 'cloudlet-overlay and no more');
});
overlays.after(({ lab }) => lab.close());

const CREATE = ['vm', 'overlay', 'create', '-o', 'out.overlay'];
const SERVER = ['--script', 'script', '--run', 'serve', '--port', '80'];

for (const [what, words, status, says] of [
  ['no file to write', ['vm', 'overlay', 'create'], 2, /--output/],
  ['no server', [...CREATE, '--script', 'script'], 2, /expected --run and --port/],
  ['nothing to install', [...CREATE, '--run', 'serve', '--port', '80'], 2, /something that is installed/],
  ['a level that is none', [...CREATE, ...SERVER, '--level', '23'], 2, /--level 1 to 22/],
  ['a link that is none', [...CREATE, ...SERVER, '--link', 'fast'], 2, /--link in Mbit\/s/],
  ['both', [...CREATE, ...SERVER, '--link', '10', '--level', '3'], 2, /--level or --link, got both/],
  ['a port that is none', [...CREATE, '--script', 'script', '--run', 'serve', '--port', 'http'], 2, /port/],
  [
    'a script that is not there',
    [...CREATE, '--script', 'gone', '--run', 'serve', '--port', '80'],
    2,
    /script cannot be read/,
  ],
  ['a file that is there', ['vm', 'overlay', 'create', '-o', 'script', ...SERVER], 2, /not there yet, got script/],
  [
    'a folder that is not there',
    ['vm', 'overlay', 'create', '-o', 'gone/a', ...SERVER],
    2,
    /in a folder that is there/,
  ],
  ['no base', [...CREATE, ...SERVER], 1, /cloudlet vm base build|QEMU/],
  ['an overlay that is not there', ['vm', 'synthesize', 'gone.overlay'], 1, /cannot be opened/],
  ['an overlay that is torn', ['vm', 'synthesize', 'torn.overlay'], 1, /is no overlay that can be used/],
  ['a torn one shown', ['vm', 'overlay', 'show', 'torn.overlay'], 1, /is no overlay that can be used/],
  ['no key', ['vm', 'overlay', 'sign', 'torn.overlay'], 2, /--key/],
  ['a key that is none', ['vm', 'overlay', 'sign', 'torn.overlay', '--key', 'script'], 1, /a private key as JWK/],
  ['a key that is none, before a minute of work', [...CREATE, ...SERVER, '--key', 'gone'], 1, /a private key as JWK/],
  ['a name that is none', ['vm', 'synthesize', 'torn.overlay', '--name', 'A name'], 2, /name/],
] as const) {
  overlays(`${what}: one sentence, status ${status}`, async ({ lab }) => {
    const ended = await lab.run(words);
    assert.is(ended.status, status, ended.errors);
    assert.match(ended.errors, says);
  });
}

overlays('sign and show: whose an overlay is, and what is in it', async ({ lab }) => {
  await writeSmallOverlay(join(lab.folder, 'small.overlay'));
  const shown = async () => JSON.parse((await lab.run(['vm', 'overlay', 'show', 'small.overlay', '--json'])).text);
  const before = await shown();
  assert.equal([before.about, before.publishers, before.segments], ['a test', [], 1]);
  assert.match((await lab.run(['vm', 'overlay', 'show', 'small.overlay'])).text, /signed by {2}nobody/);
  const { fingerprint } = JSON.parse((await lab.run(['store', 'keys', 'new', 'key.jwk', '--json'])).text);
  const signed = await lab.run(['vm', 'overlay', 'sign', 'small.overlay', '--key', 'key.jwk']);
  assert.match(signed.text, new RegExp(`^small.overlay: overlay .*, signed by ${fingerprint}`));
  assert.equal(await shown(), { ...before, publishers: [fingerprint] });
  const again = await lab.run(['vm', 'overlay', 'sign', 'small.overlay', '--key', 'key.jwk', '-o', 'small.overlay']);
  assert.equal([again.status, /not there yet/.test(again.errors)], [1, true], again.errors);
});

overlays.run();
