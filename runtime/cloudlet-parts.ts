import type { Digest, FunctionName } from '../guest-sdk/protocol/index.ts';
import { Mechanisms } from './cloudlet-mechanisms.ts';
import { ComponentCompiler } from './component/index.ts';
import { FunctionLogs } from './function/function-logs.ts';
import type { VersionOutside } from './function/function-version.ts';
import { GrantedOutside } from './function/granted-outside.ts';
import { versionLog } from './function/version-log.ts';
import type { VersionTrials } from './function/version-trials.ts';
import { type HostPolicy, hostPolicy } from './grant/index.ts';
import { followParent, type TraceSampler } from './invocation/trace.ts';
import type { CloudletObserver } from './observer.ts';
import { type CloudletLimits, type CloudletOptions, DEFAULT_LIMITS } from './options.ts';
import { Stores } from './outside/stores.ts';
import { Arrivals, DeploymentStore, type PublishParts } from './provision/index.ts';
import { type Clock, type SandboxSource, systemClock } from './sandbox/index.ts';
import { openSandboxSource } from './sandbox-source/index.ts';
import { abortError, DataDir } from './store/index.ts';
import type { FunctionUses } from './use/function-uses.ts';
import { openUses } from './use/open-uses.ts';
import { openVms, type Vms } from './vms.ts';

/** Bytes of a stored component, already verified against their digest. */
export interface StoredComponent {
  readonly version: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What a cloudlet is made of, opened. */
export interface CloudletParts {
  readonly name: string | undefined;
  readonly limits: CloudletLimits;
  readonly policy: HostPolicy;
  readonly observer: CloudletObserver;
  readonly data: DataDir;
  readonly stores: Stores;
  readonly logs: FunctionLogs;
  /** What functions use of what they are granted. */
  readonly uses: FunctionUses;
  /** What deployments keep. */
  readonly deployed: DeploymentStore;
  readonly compiler: ComponentCompiler;
  /** Which versions serve while their files are on their way. */
  readonly arrivals: Arrivals;
  readonly source: SandboxSource;
  /** What native servers run in. */
  readonly vms: Vms;
  /** Which mechanisms of provisioning work here. */
  readonly mechanisms: Mechanisms;
  /** Where raw ports of services are. */
  readonly bind: string;
  readonly outside: VersionOutside;
  /** Makes `outside`, unless the options had another. */
  readonly granted: GrantedOutside;
  readonly sample: TraceSampler;
  readonly deploymentClock: Clock;
  /** A number from 0 up to 1, which decides where calls are shared out. */
  readonly random: () => number;
}

/** What a publish works on; one that is to take calls only when it is loaded needs `trials`. */
export function publishParts(
  { data, compiler, limits, policy, source, arrivals }: CloudletParts,
  trials?: Pick<VersionTrials, 'run'>,
): PublishParts {
  const { componentBytes: limitBytes, packageBytes } = limits;
  const parts = { data, compiler, limitBytes, packageBytes, policy, expect: source.expect, arrivals };
  return trials === undefined ? parts : { ...parts, tryOut: (...words) => trials.run(...words) };
}

/** Opens all of it, as `Cloudlet.open` says; when something cannot be opened, nothing stays open. */
export async function openParts(options: CloudletOptions): Promise<CloudletParts> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const policy = hostPolicy(limits, options.policy);
  const data = await DataDir.open(options.dataDir);
  const compiler = new ComponentCompiler({ cacheDir: options.cacheDir, ahead: options.translatorAhead ?? false });
  let stores: Stores | undefined;
  let deployed: DeploymentStore | undefined;
  let vms: Vms | undefined;
  try {
    const isFunction = (name: string) => data.registry.find(name as FunctionName) !== undefined;
    stores = await Stores.open(data.path, { isFunction });
    deployed = await DeploymentStore.open(data);
    vms = await openVms(options, limits.vmImageBytes);
    const mechanisms = new Mechanisms(vms, systemClock);
    // Machines are made for the most that a function may be granted.
    const { memoryMib, concurrency } = policy.maxima;
    const source = await openSandboxSource(options, { ...limits, memoryMib, concurrency });
    if (options.signal?.aborted === true) {
      await source.close();
      throw abortError(options.signal);
    }
    const granted = new GrantedOutside(policy);
    const {
      name,
      bind = '127.0.0.1',
      observer = {},
      outside = granted.services,
      sample = followParent,
      random = Math.random,
      deploymentClock = systemClock,
    } = options;
    const unkept = (sentence: string) => observer.warning?.(sentence);
    const logs = FunctionLogs.open({ directory: data.logs, limitBytes: limits.logBytes, isFunction, unkept });
    const uses = openUses({ data, stores, observer }, versionLog(logs, data));
    return {
      ...{ name, limits, policy, observer, data, stores, logs, deployed, compiler, source, outside, granted, sample },
      ...{ vms, mechanisms, bind, random, deploymentClock, uses, arrivals: new Arrivals() },
    };
  } catch (error) {
    await vms?.blanks?.close();
    await compiler.close();
    deployed?.close();
    stores?.close();
    data.close();
    throw error;
  }
}

/** Lets go of what is kept on the disk, in reverse order of its opening; nothing runs any more. */
export async function closeParts(parts: CloudletParts): Promise<void> {
  await parts.compiler.close();
  for (const each of [parts.granted, parts.uses, parts.logs, parts.deployed, parts.stores, parts.data]) each.close();
}

/** Removes all that is kept of a function but its log; `function-unknown` when there is none. */
export function forgetFunction({ data, stores, granted }: CloudletParts, name: FunctionName): void {
  data.registry.remove(name);
  stores.removeFunction(name);
  data.secrets.forget(name);
  granted.forget(name);
}
