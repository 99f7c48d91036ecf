// end to end
import { copyFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, parseName } from '../../../guest-sdk/protocol/index.ts';
import { publishExamples } from '../../../host/cli/publish-examples.ts';
import { type CloudletLab, openLab, publishGuest } from '../../support/cloudlet-lab.ts';
import { guest } from '../../support/guest.ts';

const examples = suite('the examples of a starting host');
const NATIVE = 'not built here: native, native programs; run: npx cloudlet build examples/native';
let lab: CloudletLab;
let folder: string;

examples.before(async () => {
  lab = await openLab();
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-examples-'));
  await mkdir(join(folder, 'cat', 'build'), { recursive: true });
  await copyFile(await guest('cat'), join(folder, 'cat', 'build', 'cat.wasm'));
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken', 'cloudlet.json'), '{ "name": "broken" }');
  await mkdir(join(folder, 'native'));
  await writeFile(join(folder, 'native', 'cloudlet.json'), '{ "name": "native", "build": { "command": "exit 1" } }');
  await writeFile(join(folder, 'README.md'), 'no example');
});
examples.after(async () => {
  await lab.close();
  await rm(folder, { recursive: true });
});

async function publish(signal: AbortSignal = new AbortController().signal): Promise<string[]> {
  const said: string[] = [];
  await publishExamples({ cloudlet: lab.cloudlet, say: (line) => said.push(line), signal, folder });
  return said;
}

const versionOfCat = async (): Promise<number> => (await lab.cloudlet.function(parseName('cat'))).version;

examples('are published when they are built, and skipped with the reason when they cannot be', async () => {
  const said = await publish();
  assert.equal(said.slice(0, 1), ['broken: building']);
  assert.match(said[1]!, /^broken skipped: .*"entry", the source to build/);
  assert.equal(said.slice(2), ['published cat, version 1', NATIVE]);
});

examples('that have a build of their own are published as they are, once they are there', async () => {
  const component = join(folder, 'native', 'build', 'native.wasm');
  await mkdir(dirname(component));
  await copyFile(await guest('cat'), component);
  assert.ok((await publish()).includes('published native, version 1'));
  await utimes(component, 0, 0);
  assert.not.ok(
    (await publish()).some((line) => line.includes('native')),
    'older than its project, and left alone',
  );
  await rm(dirname(component), { recursive: true });
  assert.ok((await publish()).includes(NATIVE));
});

examples('that are published already do nothing, also after a rollback', async () => {
  assert.not.ok((await publish()).some((line) => line.includes('cat')));
  await publishGuest(lab.cloudlet, 'typed', 'cat');
  assert.is(await versionOfCat(), 2);
  assert.not.ok((await publish()).some((line) => line.includes('cat')));
  assert.is(await versionOfCat(), 2, 'a newer version of the same name stays');
});

examples('are left alone by a host that stops', async () => {
  await lab.cloudlet.remove(parseName('cat'));
  assert.equal(await publish(AbortSignal.abort()), []);
  const stopping = new AbortController();
  const said = publish(stopping.signal);
  stopping.abort();
  assert.not.ok((await said).some((line) => line.includes('skipped')));
  const draining = {
    functions: async () => [],
    publish: () => Promise.reject(new CloudletError('draining', 'the cloudlet is shutting down')),
  };
  const lines: string[] = [];
  const { signal } = new AbortController();
  await publishExamples({ cloudlet: draining, say: (line) => lines.push(line), signal, folder });
  assert.not.ok(
    lines.some((line) => line.includes('cat')),
    lines.join('\n'),
  );
});

examples('that are not there are none', async () => {
  const said: string[] = [];
  const { signal } = new AbortController();
  await publishExamples({
    cloudlet: lab.cloudlet,
    say: (line) => said.push(line),
    signal,
    folder: join(folder, 'none'),
  });
  assert.equal(said, []);
});

examples.run();
