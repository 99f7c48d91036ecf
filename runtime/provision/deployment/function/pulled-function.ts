import { type FunctionWish, isRegistryAddress, parseRegistryReference } from '../../../../guest-sdk/protocol/index.ts';
import type { Offer, Rung } from '../rung.ts';
import { functionWish, type Wish } from '../wish.ts';
import { type FunctionRungParts, provisionedFunction } from './function-rungs.ts';
import { openBody } from './open-body.ts';

/** `pulled`: this cloudlet fetches it from where the wish says, a server or a registry. */
export function pulledRung(parts: FunctionRungParts): Rung<Wish> {
  return {
    name: 'pulled',
    offer: async (wish) => {
      const want = functionWish(wish);
      if (want?.from === undefined) return null;
      const { from } = want;
      return isRegistryAddress(from)
        ? byReference(parts, want, from, wish.credentials)
        : { missing: [], provision: (context) => fromServer(parts, want, from, context) };
    },
  };
}

async function fromServer(
  parts: FunctionRungParts,
  { function: name, digest }: FunctionWish,
  from: string,
  { report, signal }: Parameters<Offer['provision']>[0],
) {
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
}

function byReference(
  { registries }: FunctionRungParts,
  { function: name, digest }: FunctionWish,
  from: string,
  credentials: string | undefined,
): Offer | { readonly why: string } {
  const reference = parseRegistryReference(from);
  const why = registries.fault(reference);
  if (why !== null) return { why };
  return {
    missing: [],
    provision: async ({ report, signal }) => {
      report({ stage: 'connecting' });
      const options = { credentials, signal, onProgress: report };
      return provisionedFunction(
        await registries.pull(name, reference, {
          ...options,
          ...(digest === undefined ? {} : { versionDigest: digest }),
        }),
      );
    },
  };
}
