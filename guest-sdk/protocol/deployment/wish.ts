import * as v from 'valibot';
import { strictParse } from '../grant/index.ts';
import type { FunctionName } from '../name.ts';
import { parseRegistryReference } from '../registry/registry-reference.ts';
import { DigestText, MAX_PARTS, Part } from './part.ts';
import { Requirements } from './requirement.ts';

const Name = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and "-", beginning with a letter'),
) as v.GenericSchema<string> as v.GenericSchema<string, FunctionName>;
const Address = v.pipe(
  v.string(),
  v.maxLength(2048),
  v.check((text) => isAddress(text), 'an address such as "https://…" or "http://…"'),
);
/** Deepest document: what reads it further goes into it as deep as it is. */
const MAX_DEPTH = 16;
const FunctionAddress = v.pipe(
  v.string(),
  v.maxLength(2048),
  v.check(
    (text) => isAddress(text) || isReference(text),
    'an address such as "https://…", "http://…" or "oci://images.example/name:tag"',
  ),
);
const Document = v.pipe(
  v.record(v.string(), v.unknown()),
  v.check((value) => isShallow(value), `a document of at most ${MAX_DEPTH} levels`),
);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Most dictionaries that a device may name. */
export const MAX_DICTIONARIES = 16;
const Parts = v.pipe(v.array(Part), v.minLength(1), v.maxLength(MAX_PARTS));

/** A function, and by what it can be had. */
export const FunctionWish = v.strictObject({
  function: Name,
  /** Of the version: the component's, or that of the package's manifest. Without it, whatever the name has now is taken, or what comes is not compared. */
  digest: v.optional(DigestText),
  /** The component, or the package, in pieces: their bytes in this order are its bytes. */
  parts: v.optional(Parts),
  /** Where it can be fetched: a component's or a package's address on another cloudlet or any server, or a package's in a registry (`oci://…`). */
  from: v.optional(FunctionAddress),
});
export type FunctionWish = v.InferOutput<typeof FunctionWish>;

/** A native server, and by what it can be had. */
export const ServiceWish = v.strictObject({
  service: Name,
  /** The VM image that it runs from. */
  image: v.optional(DigestText),
  /** The manifest of an overlay; its segments are the parts. */
  overlay: v.optional(Document),
  /** How it is made of Debian packages, files and a script. */
  recipe: v.optional(Document),
  /** Where its overlay can be fetched. */
  from: v.optional(Address),
});
export type ServiceWish = v.InferOutput<typeof ServiceWish>;

/** Something that the cloudlet's store offers, by the entry's name. */
export const StoreWish = v.strictObject({ store: Name });
export type StoreWish = v.InferOutput<typeof StoreWish>;

/** What a device holds and could send: parts, or a whole component that is no longer than one. */
const Held = v.strictObject({ digest: DigestText, bytes: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/** What `POST /v1/deployments` takes. */
export const DeploymentRequest = v.strictObject({
  want: v.union([FunctionWish, ServiceWish, StoreWish]),
  /** Alternatives, of which the cloudlet must meet one. */
  requirements: v.optional(Requirements, []),
  /** What the device has at hand; left out: all that `want` names. */
  have: v.optional(v.pipe(v.array(Held), v.maxLength(MAX_PARTS))),
  /**
   * Ready is to be told as soon as a function answers calls, while its files still come; the last event is `complete` then. Left out, ready is
   * told, at the end, when all is here.
   */
  early: v.optional(v.boolean()),
  /** What it is to be known by, a UUID that the device chooses: parts may be sent to it beside this question then. Left out, the cloudlet chooses. */
  id: v.optional(v.pipe(v.string(), v.regex(UUID, 'a UUID in lower case'))),
  /** Components that the device has beside it, the likest first: with one that is here, too, what it sends is compressed. */
  dictionaries: v.optional(v.pipe(v.array(DigestText), v.maxLength(MAX_DICTIONARIES))),
  /** `user:password` for a registry that `want.from` names; not kept, and shown to nobody. */
  credentials: v.optional(v.pipe(v.string(), v.maxLength(8192), v.includes(':', 'credentials as user:password'))),
});
export type DeploymentRequest = v.InferOutput<typeof DeploymentRequest>;
/** A request as a device writes it. */
export type DeploymentRequestInput = v.InferInput<typeof DeploymentRequest>;

/** Level by level: deep data would be too deep for a function that calls itself. */
function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return false;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return true;
}

function isAddress(text: string): boolean {
  return ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '');
}

function isReference(text: string): boolean {
  try {
    return parseRegistryReference(text).host !== '';
  } catch {
    return false; // The schema says what was expected.
  }
}

/** Reads what a device asks for; `request-invalid` names the key, what was expected and what came. */
export function parseDeploymentRequest(value: unknown): DeploymentRequest {
  return strictParse(DeploymentRequest, value, 'the deployment', 'request-invalid');
}
