import type { FunctionName, ServiceInfo } from '../../../../guest-sdk/protocol/index.ts';
import type { Services } from '../../../service/index.ts';
import type { VmImage } from '../../../vm/image/index.ts';
import { KeyedTurns } from '../../recipe/keyed-turns.ts';
import type { AdmittedService } from '../../service-publisher.ts';
import { NOBODY, type Provisioned, type RungContext, WAITING } from '../rung.ts';

/** What services are done with here. */
export type ServiceHall = Pick<Services, 'list' | 'put' | 'start' | 'remove'>;

/** An image that is to be served. */
export interface ServedImage extends Pick<VmImage, 'digest' | 'service'> {
  /** That it may have the name; left out when it has it. */
  readonly admitted?: AdmittedService;
}

/**
 * Gives a name the image of a service and resolves when a VM of it serves. When it does not, the name has again what it had, or is
 * gone: a deployment that failed changes nothing.
 */
export function serveImage(
  services: ServiceHall,
  name: FunctionName,
  image: ServedImage,
  context: Pick<RungContext, 'report' | 'signal' | 'user'>,
): Promise<Provisioned> {
  const turns = TURNS.get(services) ?? new KeyedTurns();
  TURNS.set(services, turns);
  const waiting = (): void => context.report({ stage: WAITING });
  return turns.take(name, context.signal, () => serve(services, name, image, context), waiting);
}

/** One after another for a name: what one that fails takes back would else be what another has just given. */
const TURNS = new WeakMap<ServiceHall, KeyedTurns>();

async function serve(
  services: ServiceHall,
  name: FunctionName,
  { digest, service, admitted }: ServedImage,
  { report, signal, user = NOBODY }: Pick<RungContext, 'report' | 'signal' | 'user'>,
): Promise<Provisioned> {
  report({ stage: 'starting', digest });
  const before = services.list().find((each) => each.name === name);
  const letGo = admitted?.settle(digest) ?? (() => {});
  const { publisher = before?.publisher ?? null } = admitted ?? {};
  // A record that says the same stays as it is, and so does when it came to be.
  if (before?.image !== digest || (publisher !== null && before.publisher !== publisher))
    services.put(name, digest, service!, { publisher });
  try {
    await services.start(name, { mode: 'join' }, { user, signal });
    return { kind: 'service', name, address: `/s/${name}/`, digest };
  } catch (error) {
    await takeBack(services, name, digest, before);
    letGo();
    throw error;
  }
}

/** Gives a name what it had before a deployment that failed, unless it was given something else meanwhile, or serves somebody. */
async function takeBack(
  services: ServiceHall,
  name: FunctionName,
  digest: VmImage['digest'],
  before: ServiceInfo | undefined,
): Promise<void> {
  const present = services.list().find((each) => each.name === name);
  if (present?.image !== digest || before?.image === digest || isServing(services, name, digest)) return;
  if (before === undefined) await services.remove(name);
  else services.put(name, before.image as VmImage['digest'], before.spec, { publisher: before.publisher });
}

/** Whether a VM of this image serves under a name. */
export function isServing(services: Pick<ServiceHall, 'list'>, name: FunctionName, image: string): boolean {
  const found = services.list().find((each) => each.name === name);
  return found?.vms.some((vm) => vm.image === image && vm.state === 'ready' && vm.mode === 'shared') === true;
}
