import * as v from 'valibot';

const VersionNumber = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Most versions that calls are shared out among. */
export const MAX_SPLIT_VERSIONS = 16;

/** What keeps a caller at one version: a header, or a cookie, whose value says who he is. */
export const Sticky = v.pipe(
  v.string(),
  v.regex(/^(header|cookie):[A-Za-z0-9_.-]{1,64}$/, '"header:NAME" or "cookie:NAME"'),
);

/** How calls are shared out among versions. */
export const TrafficSplit = v.pipe(
  v.strictObject({
    versions: v.pipe(
      v.array(
        v.strictObject({
          version: VersionNumber,
          percent: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100)),
        }),
      ),
      v.minLength(1),
      v.maxLength(MAX_SPLIT_VERSIONS),
      v.check(
        (versions) => versions.reduce((sum, { percent }) => sum + percent, 0) === 100,
        'percentages that are 100 together',
      ),
      v.check(
        (versions) => new Set(versions.map(({ version }) => version)).size === versions.length,
        'each version once',
      ),
    ),
    /** Left out: each call by itself. */
    sticky: v.optional(Sticky),
  }),
);
export type TrafficSplit = v.InferOutput<typeof TrafficSplit>;
