import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import type { RungContext } from '../../../../runtime/provision/index.ts';
import { endOf, NEVER, once, openDeploymentsLab, PHOTO, partOf, request, rung } from './deployments-lab.ts';

const coming = suite('parts that come before the question');

const ID = '0b0e7a52-6f4f-4c8e-9a55-4f6d2f9f8b11';
const BYTES = new Uint8Array(1000).fill(7);
const PART = partOf(BYTES);
const reading = async ({ parts }: RungContext) => {
  await parts.get(PART.digest);
  return PHOTO;
};

coming('they wait for it, and are its own', async () => {
  const lab = await openDeploymentsLab([rung('package', reading, [PART])]);
  const { deployments } = lab;
  let has = false;
  const waiting = deployments.coming(ID, NEVER).then(() => {
    has = true;
  });
  await new Promise(setImmediate);
  assert.is(has, false);
  const { deployment } = await deployments.ask(request({}, { id: ID }));
  assert.is(deployment.id, ID);
  await waiting;
  await deployments.coming(ID, NEVER);
  assert.equal(await deployments.part(ID, PART.digest, once(BYTES), NEVER), { wanted: [], missing: 0 });
  assert.is((await endOf(deployments, ID)).stage, 'ready');
  await lab.close();
});

coming('they are let go when it cannot begin, when nobody asks it, and when their sender leaves', async () => {
  const lab = await openDeploymentsLab([{ name: 'overlay', offer: async () => null }]);
  const { deployments, clock } = lab;
  const refused = deployments.coming(ID, NEVER);
  assert.instance(await deployments.ask(request({}, { id: ID })).catch((error: unknown) => error), CloudletError);
  await refused;
  const unasked = deployments.coming(ID, NEVER);
  clock.advance(5_000);
  await unasked;
  const leaving = new AbortController();
  const left = deployments.coming(ID, leaving.signal);
  leaving.abort();
  await left;
  assert.throws(() => deployments.get(ID), /expected the id of a deployment/);
  await lab.close();
});

coming('an id serves once', async () => {
  const lab = await openDeploymentsLab([rung('running', async () => PHOTO)]);
  await lab.deployments.ask(request({}, { id: ID }));
  const again = await lab.deployments.ask(request({}, { id: ID })).catch((error: unknown) => error);
  assert.ok(again instanceof CloudletError);
  assert.is(again.code, 'conflict');
  assert.throws(() => request({}, { id: '../1' }), /a UUID/);
  await lab.close();
});

coming('an id that was used is refused before anything begins', async () => {
  let offers = 0;
  const running = rung('running', async () => PHOTO);
  const offer: typeof running.offer = (...asked) => {
    offers += 1;
    return running.offer(...asked);
  };
  const lab = await openDeploymentsLab([{ ...running, offer }]);
  await lab.deployments.ask(request({}, { id: ID }));
  await lab.deployments.ask(request({}, { id: ID })).catch(() => undefined);
  assert.is(offers, 1);
  await lab.close();
});

coming('of many that wait those beyond 64 are let go at once, and of one caller those beyond 8', async () => {
  const lab = await openDeploymentsLab([rung('running', async () => PHOTO)]);
  const { deployments, clock } = lab;
  let gone = 0;
  const wait = async (at: number, caller: string) => {
    await deployments.coming(ID.slice(0, -3) + String(100 + at), NEVER, caller);
    gone += 1;
  };
  const ofOne = Array.from({ length: 10 }, (_, at) => wait(at, 'one'));
  await new Promise(setImmediate);
  assert.is(gone, 2);
  const others = Array.from({ length: 58 }, (_, at) => wait(10 + at, `other ${at}`));
  await new Promise(setImmediate);
  assert.is(gone, 4);
  clock.advance(5_000);
  await Promise.all([...ofOne, ...others]);
  const again = wait(0, 'one');
  await new Promise(setImmediate);
  assert.is(gone, 68);
  clock.advance(5_000);
  await again;
  await lab.close();
});

coming.run();
