import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type Deployment, type Published, parseName } from '../../../guest-sdk/protocol/index.ts';
import { Deployments, type PublishProgress } from '../../../runtime/provision/index.ts';

const deployments = suite('deployments');
const name = parseName('photo');
const PUBLISHED: Published = {
  name,
  version: 1,
  digest: 'sha256:x',
  sizeBytes: 9,
  address: '/v1/functions/photo',
  created: true,
};
const at = (stage: PublishProgress['stage'], bytesDone = 9): PublishProgress => ({ stage, bytesDone, bytesTotal: 9 });

/** A provisioning that the test leads. */
function led() {
  const { promise, resolve, reject } = Promise.withResolvers<Published>();
  let report: (progress: PublishProgress) => void = () => {};
  const provisioning = (given: typeof report): Promise<Published> => {
    report = given;
    return promise;
  };
  return { provisioning, report: (progress: PublishProgress) => report(progress), resolve, reject };
}

async function collect(states: AsyncIterable<Deployment>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { state } of states) seen.push(state);
  return seen;
}

deployments('start resolves when the body was received, and watchers see the rest to one end', async () => {
  const all = new Deployments();
  const { provisioning, report, resolve } = led();
  const starting = all.start(name, provisioning);
  report(at('receiving', 4));
  report(at('inspecting'));
  const { id, state } = await starting;
  assert.is(state, 'inspecting');
  const watchers = [collect(all.watch(id)), collect(all.watch(id))];
  setImmediate(() => {
    report(at('transpiling'));
    setImmediate(() => resolve(PUBLISHED));
  });
  for (const seen of await Promise.all(watchers)) assert.equal(seen, ['inspecting', 'transpiling', 'ready']);
  assert.equal(all.get(id).published, PUBLISHED);
  assert.equal(await collect(all.watch(id)), ['ready']);
});

deployments('what fails after the body is the last state', async () => {
  const all = new Deployments();
  const { provisioning, report, reject } = led();
  const starting = all.start(name, provisioning);
  report(at('inspecting'));
  const { id } = await starting;
  reject(new CloudletError('component-refused', 'not a component'));
  assert.is((await collect(all.watch(id))).at(-1), 'failed');
  assert.equal(all.get(id).problem, { code: 'component-refused', detail: 'not a component' });
});

deployments('what fails before rejects the start, and nothing is remembered', async () => {
  const all = new Deployments();
  const { provisioning, report, reject } = led();
  const starting = all.start(name, provisioning);
  report(at('receiving', 4));
  reject(new CloudletError('body-truncated', 'too short'));
  const error = await starting.catch((thrown: unknown) => thrown);
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, 'body-truncated');
});

deployments('a watcher leaves when its signal fires', async () => {
  const all = new Deployments();
  const { provisioning, report, resolve } = led();
  const starting = all.start(name, provisioning);
  report(at('inspecting'));
  const { id } = await starting;
  const left = new AbortController();
  const watching = collect(all.watch(id, left.signal));
  setImmediate(() => left.abort());
  assert.equal(await watching, ['inspecting']);
  resolve(PUBLISHED);
});

deployments('the oldest that ended are forgotten, those that run are not', async () => {
  const all = new Deployments();
  const running = led();
  const starting = all.start(name, running.provisioning);
  running.report(at('inspecting'));
  const kept = await starting;
  const first = await all.start(name, async () => PUBLISHED);
  for (let count = 0; count < 100; count += 1) await all.start(name, async () => PUBLISHED);
  await new Promise(setImmediate);
  assert.throws(() => all.get(first.id), /old ones are forgotten/);
  assert.is(all.get(kept.id).state, 'inspecting');
  running.resolve(PUBLISHED);
});

deployments.run();
