import * as v from 'valibot';
import type { Digest } from '../digest.ts';

/** Longest part, bytes: it is held in memory while it is verified. */
export const MAX_PART_BYTES = 4 * 1024 * 1024;

/** Most parts of one deployment: a list of them must be read in a moment. */
export const MAX_PARTS = 16_384;

/** A digest that came from outside. Its type says what the pattern holds: a transformation would have no JSON schema. */
export const DigestText = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/, 'a digest "sha256:<64 hex digits>"'),
) as v.GenericSchema<string> as v.GenericSchema<string, Digest>;

/** Bytes that a device sends for a deployment, by digest. */
export const Part = v.strictObject({
  digest: DigestText,
  bytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PART_BYTES)),
});
export type Part = v.InferOutput<typeof Part>;

/** What a device is told when it has sent a part, or asks: which to send next, in this order, and how many are missing in all. */
export const WantedParts = v.object({
  wanted: v.array(DigestText),
  missing: v.number(),
});
export type WantedParts = v.InferOutput<typeof WantedParts>;
