import type { Rung } from '../rung.ts';
import { functionWish, type Wish } from '../wish.ts';
import { type FunctionRungParts, provisionedFunction } from './function-rungs.ts';
import { openBody } from './open-body.ts';

/** `pulled`: this cloudlet fetches it from where the wish says. */
export function pulledRung(parts: FunctionRungParts): Rung<Wish> {
  return {
    name: 'pulled',
    offer: async (wish) => {
      const want = functionWish(wish);
      if (want?.from === undefined) return null;
      const { function: name, digest, from } = want;
      return {
        missing: [],
        provision: async ({ report, signal }) => {
          report({ stage: 'connecting' });
          const body = await openBody(from, parts.policy, signal);
          try {
            const published = await parts.publish(name, body.bytes, {
              signal,
              ...(body.length === null ? {} : { contentLength: body.length }),
              ...(digest === undefined ? {} : { versionDigest: digest }),
              onProgress: report,
            });
            return provisionedFunction(published);
          } finally {
            body.close();
          }
        },
      };
    },
  };
}
