import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type Digest,
  digestOfHex,
  MAX_PARTS,
  PART_BATCH_TYPE,
} from '../../../guest-sdk/protocol/index.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const parts = suite('the route of parts');

const MISSING = Array.from({ length: 3 }, (_, at) => digestOfHex(String(at).repeat(64)));

for (const [query, most, wanted] of [
  ['', undefined, MISSING.slice(0, 1)],
  ['?all=true', MAX_PARTS, MISSING],
  ['?all=false', undefined, MISSING.slice(0, 1)],
  ['?all', undefined, MISSING.slice(0, 1)],
] as const)
  parts(
    `says ${most === undefined ? 'the next parts' : 'all that are missing'} for ${query || 'no query'}`,
    async () => {
      const { app, engine } = testHost();
      const asked: unknown[] = [];
      Object.assign(engine.deployments, {
        wanted(id: string, count?: number): { wanted: Digest[]; missing: number } {
          asked.push([id, count]);
          return { wanted: MISSING.slice(0, count ?? 1), missing: MISSING.length };
        },
      });
      const response = await app.request(`/v1/deployments/d1/parts${query}`, { headers: AS_OWNER });
      assert.is(response.status, 200);
      assert.equal(await response.json(), { wanted, missing: 3 });
      assert.equal(asked, [['d1', most]]);
    },
  );

parts('waits for a question that is still to come as a user at an address', async () => {
  const { app, engine } = testHost();
  const callers: unknown[] = [];
  Object.assign(engine.deployments, {
    coming: async (...asked: readonly unknown[]) => {
      callers.push(asked[2]);
      throw new CloudletError('not-found', 'nobody asks');
    },
  });
  const headers = { ...AS_OWNER, 'content-type': PART_BATCH_TYPE };
  for (const remoteAddress of ['10.0.0.1', '10.0.0.2']) {
    const env = { incoming: { socket: { remoteAddress } }, outgoing: {} };
    const response = await app.request('/v1/deployments/d1/parts', { method: 'POST', headers, body: '' }, env);
    assert.is(response.status, 404);
  }
  assert.equal(callers, ['owner at 10.0.0.1', 'owner at 10.0.0.2']);
});

parts.run();
