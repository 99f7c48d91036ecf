import * as v from 'valibot';

/** Who signed a version. */
export const FunctionPublisher = v.object({
  fingerprint: v.string(),
  /** Whether the cloudlet's policy and its owner, as they are now, would take it. */
  trusted: v.boolean(),
});
export type FunctionPublisher = v.InferOutput<typeof FunctionPublisher>;

/** The key that a name belongs to. */
export const PinnedPublisher = v.object({ name: v.string(), fingerprint: v.string(), since: v.string() });
export type PinnedPublisher = v.InferOutput<typeof PinnedPublisher>;

/** Names that belong to a key. */
export const PinnedPublisherList = v.object({
  /** What the policy says: anybody, the first key of each name, or a list of keys. */
  policy: v.picklist(['anyone', 'pinned', 'listed']),
  publishers: v.array(PinnedPublisher),
});
export type PinnedPublisherList = v.InferOutput<typeof PinnedPublisherList>;
