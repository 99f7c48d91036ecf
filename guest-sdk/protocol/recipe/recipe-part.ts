import * as v from 'valibot';
import type { Digest } from '../digest.ts';

/** A digest that came from outside. Its type says what the pattern holds: a transformation would have no JSON schema. */
export const DigestText = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/, 'a digest "sha256:<64 hex digits>"'),
) as v.GenericSchema<string> as v.GenericSchema<string, Digest>;

/** Bytes of a file that travel apart from the recipe, by their digest; at most 4 MiB, which are held in memory while they are verified. */
export const RecipePart = v.strictObject({
  digest: DigestText,
  bytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4 * 1024 * 1024)),
});
export type RecipePart = v.InferOutput<typeof RecipePart>;
