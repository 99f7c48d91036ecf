import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, digestOfHex, MAX_PARTS } from '../../../guest-sdk/protocol/index.ts';
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

parts.run();
