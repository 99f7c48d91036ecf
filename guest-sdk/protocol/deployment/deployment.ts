import * as v from 'valibot';
import { Published } from '../api.ts';
import { DigestText, Part } from './part.ts';

/** The ways to come to what is wanted, the cheapest first. */
export const DEPLOYMENT_RUNGS = [
  'running',
  'cached',
  'pulled',
  'difference',
  'package',
  'overlay',
  'on-demand',
] as const;
export type DeploymentRung = (typeof DEPLOYMENT_RUNGS)[number];

/** One act of provisioning as it is now. */
export const Deployment = v.object({
  id: v.string(),
  kind: v.picklist(['function', 'service']),
  name: v.string(),
  /** The name, where it is a function's. */
  function: v.optional(v.string()),
  /** The way that is taken. */
  rung: v.picklist(DEPLOYMENT_RUNGS),
  /**
   * What is being done, in a word such as `receiving`, `transpiling`, `applying`, `starting`; at the end `ready` or `failed`. Who asked for it early
   * hears `ready` while bytes still come (`endedAt` is null), and `complete` at the end.
   */
  stage: v.string(),
  /** The same as `stage`. */
  state: v.string(),
  bytesDone: v.number(),
  bytesTotal: v.nullable(v.number()),
  /** Seconds that the stage will take at the rate of the last seconds; null when that cannot be said. */
  estimateS: v.nullable(v.number()),
  startedAt: v.string(),
  endedAt: v.nullable(v.string()),
  /** Of what was wanted, as soon as it is known. */
  digest: v.optional(v.string()),
  /** Path on this cloudlet, when it is ready. */
  address: v.optional(v.string()),
  /** What was published, of a function. */
  published: v.optional(Published),
  /** Why it failed: a code of the error table and a sentence. */
  problem: v.optional(v.object({ code: v.string(), detail: v.string() })),
});
export type Deployment = v.InferOutput<typeof Deployment>;

/** Deployments, newest first. */
export const DeploymentList = v.object({ deployments: v.array(Deployment) });

/** The answer to `POST /v1/deployments`. */
export const AcceptedDeployment = v.object({
  ...Deployment.entries,
  /** What the device is to send, in this order. */
  missing: v.array(Part),
  bytesMissing: v.number(),
  /** The first of the device's dictionaries that is here, too. */
  dictionary: v.optional(DigestText),
  /** Path of its events. */
  events: v.string(),
});
export type AcceptedDeployment = v.InferOutput<typeof AcceptedDeployment>;

/** That another way is taken, since one failed. */
export const RungChange = v.object({
  from: v.picklist(DEPLOYMENT_RUNGS),
  rung: v.picklist(DEPLOYMENT_RUNGS),
  /** Why the first way failed: a code of the error table and a sentence. */
  problem: v.object({ code: v.string(), detail: v.string() }),
  bytesMissing: v.number(),
});
export type RungChange = v.InferOutput<typeof RungChange>;

/** Some lines that a step said. */
export const DeploymentLog = v.object({ text: v.string() });

/** What is told of a deployment, by the name of its event; `id` grows from one to the next. */
export type DeploymentEvent =
  | { readonly id: number; readonly event: 'state'; readonly data: Deployment }
  | { readonly id: number; readonly event: 'rung'; readonly data: RungChange }
  | { readonly id: number; readonly event: 'log'; readonly data: { readonly text: string } };

/** Whether nothing follows any more: it failed, is complete, or ready with all of it here. */
export function isEnded({ stage, endedAt }: Pick<Deployment, 'stage' | 'endedAt'>): boolean {
  return stage === 'failed' || stage === 'complete' || (stage === 'ready' && endedAt !== null);
}
