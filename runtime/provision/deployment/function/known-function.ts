import type { Digest, FunctionName } from '../../../../guest-sdk/protocol/index.ts';
import type { Offer, Rung } from '../rung.ts';
import { functionWish, type Wish } from '../wish.ts';
import { type FunctionRungParts, provisionedFunction } from './function-rungs.ts';

/** `running`: it already is the current version of its name, and a sandbox has it loaded. */
export function runningRung(parts: FunctionRungParts): Rung<Wish> {
  return {
    name: 'running',
    offer: async (wish) => {
      const found = currentlyWanted(parts, wish);
      if (found?.isWarm !== true) return null;
      return { missing: [], provision: async () => here(found.name, found.digest) };
    },
  };
}

/** `cached`: its bytes are here, as the current version of its name or as a version of any function. */
export function cachedRung(parts: FunctionRungParts): Rung<Wish> {
  return {
    name: 'cached',
    offer: async (wish): Promise<Offer | { readonly why: string } | null> => {
      const want = functionWish(wish);
      if (want === null) return null;
      const found = currentlyWanted(parts, wish);
      if (found !== null) return warming(parts, found.name, found.digest);
      const { digest } = want;
      if (digest === undefined) {
        return want.from === undefined && parts.current(want.function) === undefined
          ? { why: 'there is no function of this name' }
          : null;
      }
      if (!parts.isKnown(digest)) return { why: `nothing here has digest ${digest}` };
      return {
        missing: [],
        provision: async ({ report, signal }) =>
          provisionedFunction(await parts.publishKnown(want.function, digest, { onProgress: report, signal })),
      };
    },
  };
}

/** The current version of a name, when that is what is wanted: of this digest, or whatever it is. */
function currentlyWanted(
  parts: FunctionRungParts,
  wish: Wish,
): { readonly name: FunctionName; readonly digest: Digest; readonly isWarm: boolean } | null {
  const want = functionWish(wish);
  if (want === null) return null;
  const found = parts.current(want.function);
  const isWanted =
    want.digest === undefined
      ? want.parts === undefined && want.from === undefined
      : want.digest === found?.digest && found.isWhole;
  return found === undefined || !isWanted ? null : { name: want.function, ...found };
}

function warming(parts: FunctionRungParts, name: FunctionName, digest: Digest): Offer {
  return {
    missing: [],
    provision: async ({ report }) => {
      report({ stage: 'starting', digest });
      await parts.warm(name);
      return here(name, digest);
    },
  };
}

function here(name: FunctionName, digest: Digest) {
  return { kind: 'function', name, address: `/v1/functions/${name}`, digest } as const;
}
