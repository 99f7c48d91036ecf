import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, pack } from '../../guest-sdk/build/index.ts';
import type { FunctionInfo } from '../../guest-sdk/protocol/index.ts';
import { HostLab } from '../support/host-lab.ts';

const FOLDER = fileURLToPath(new URL('../../examples/counter/', import.meta.url));

const counter = suite('the example "counter"');
let host: HostLab;

counter.before(async () => {
  host = await HostLab.open('process');
  const output = await mkdtemp(join(tmpdir(), 'cloudlet-counter-'));
  try {
    const { component, project } = await build(FOLDER, { output });
    const { pieces } = await pack({ component, grant: project.grant, folder: FOLDER });
    const path = join(output, 'counter.tar');
    await writeFile(path, pieces);
    await host.publish('counter', path);
  } finally {
    await rm(output, { recursive: true });
  }
});
counter.after(() => host.close());

async function ask(method: string, path: string): Promise<string> {
  const response = await host.ask(`/f/counter/${path}`, { method });
  return `${response.status} ${(await response.text()).trimEnd()}`;
}

counter('has what its cloudlet.json asks for', async () => {
  const { grant, reduced, ungranted }: FunctionInfo = await (await host.ask('/v1/functions/counter')).json();
  assert.equal(grant.stores, { keyvalue: { bytes: 1_048_576 }, blobs: null });
  assert.equal(grant.configuration, { step: '1' });
  assert.is(grant.limits.deadlineMs, 5000);
  assert.equal(reduced ?? [], []);
  assert.not.ok(ungranted?.some((name) => name.startsWith('wasi:keyvalue/') || name.startsWith('wasi:config/')));
});

counter('counts, reads without counting, and forgets', async () => {
  assert.is(await ask('GET', 'apples'), '200 0');
  assert.is(await ask('GET', ''), '200 {}');
  assert.is(await ask('POST', 'apples'), '200 1');
  assert.is(await ask('POST', 'apples'), '200 2');
  assert.is(await ask('POST', 'pears'), '200 1');
  assert.is(await ask('GET', ''), '200 {"apples":2,"pears":1}');
  assert.is(await ask('DELETE', 'pears'), '204 ');
  assert.is(await ask('GET', 'pears'), '200 0');
  assert.is(await ask('PUT', 'pears'), '405 expected GET, POST or DELETE');
});

counter('loses no count of callers that come together', async () => {
  await Promise.all(Array.from({ length: 20 }, () => ask('POST', 'together')));
  assert.is(await ask('GET', 'together'), '200 20');
});

counter('goes on where it was when its host is started again', async () => {
  await host.kill();
  await host.start('process');
  assert.is(await ask('GET', 'together'), '200 20');
  assert.is(await ask('POST', 'together'), '200 21');
});

counter.run();
