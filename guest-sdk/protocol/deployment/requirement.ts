import * as v from 'valibot';

const Text = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Amount = v.pipe(v.number(), v.minValue(0));

/** A number that it must be, or the bounds that it must be within. */
const NumberWish = v.union([
  Amount,
  v.pipe(
    v.strictObject({ min: v.optional(Amount), max: v.optional(Amount) }),
    v.check(({ min, max }) => min !== undefined || max !== undefined, 'min, max or both'),
  ),
]);
/** A word that it must be, or several of which one will do. */
const WordWish = v.union([Text, v.pipe(v.array(Text), v.minLength(1), v.maxLength(16))]);

/** What a cloudlet must have; all that is named must be met. */
export const Requirement = v.strictObject({
  /** Memory that sandboxes and service VMs may take together, MiB. */
  memoryMib: v.optional(NumberWish),
  /** Room on the disk of the data directory, MiB. */
  diskMib: v.optional(NumberWish),
  /** Processors that programs here can use at once. */
  processors: v.optional(NumberWish),
  /** Of native programs: `x86_64`, `aarch64`. */
  isa: v.optional(WordWish),
  /** `kvm`, `tcg` or `none`. */
  accelerator: v.optional(WordWish),
  /** A mechanism of provisioning that it must offer. */
  mechanism: v.optional(WordWish),
});
export type Requirement = v.InferOutput<typeof Requirement>;

/** Alternatives, of which one must be met. */
export const Requirements = v.pipe(v.array(Requirement), v.maxLength(16));
export type Requirements = v.InferOutput<typeof Requirements>;

/** What a cloudlet has, by the same names; of several words each is had. */
export type CloudletFacts = { readonly [Key in keyof Required<Requirement>]: number | string | readonly string[] };

/** What is missing for each alternative, as clauses for people; null when one is met, or none is asked for. */
export function unmetRequirements(alternatives: Requirements, facts: CloudletFacts): readonly string[] | null {
  if (alternatives.length === 0) return null;
  const missing = alternatives.map((alternative) => missingOf(alternative, facts));
  return missing.some((each) => each === null) ? null : (missing as string[]);
}

function missingOf(alternative: Requirement, facts: CloudletFacts): string | null {
  const clauses = (Object.keys(alternative) as (keyof Requirement)[]).flatMap((key) => {
    const wish = alternative[key];
    const has = facts[key];
    if (wish === undefined || isMet(wish, has)) return [];
    return [`${key} must be ${described(wish)}, is ${typeof has === 'object' ? has.join(', ') || 'none' : has}`];
  });
  return clauses.length === 0 ? null : clauses.join(' and ');
}

type Wish = NonNullable<Requirement[keyof Requirement]>;

function isMet(wish: Wish, has: number | string | readonly string[]): boolean {
  if (typeof wish === 'number') return has === wish;
  if (typeof wish === 'string' || Array.isArray(wish)) {
    const had = Array.isArray(has) ? has : [has];
    return [wish].flat().some((word) => had.includes(word));
  }
  const { min = 0, max = Number.POSITIVE_INFINITY } = wish as { min?: number; max?: number };
  return typeof has === 'number' && has >= min && has <= max;
}

function described(wish: Wish): string {
  if (typeof wish !== 'object') return String(wish);
  if (Array.isArray(wish)) return wish.join(' or ');
  const { min, max } = wish as { min?: number; max?: number };
  return [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`]
    .filter((clause) => clause !== '')
    .join(' and ');
}
