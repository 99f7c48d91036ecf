import type { ServiceSpec } from '../../../guest-sdk/protocol/index.ts';
import { BRING_BACK_PROGRAM, SET_ASIDE_PROGRAM } from './set-aside-program.ts';
import { runStep, type StepContext } from './step.ts';
import type { Workshop } from './workshop.ts';

/** Where a VM keeps memory that its server's first answer does not need: on its disk, of which nothing is waited for that nobody reads. */
const SWAP_FILE = '/var/cache/cloudlet.swap';

/** Less is not worth what brings it back, bytes: some hundredths of a second of a processor to apply. */
const LEAST_BYTES = 16 * 2 ** 20;

/** What of the room that a disk may grow by is left to the server. */
const LEFT_OF_GROWTH = 1 / 8;

/** Pages that Linux reads at most beside one that is asked for, as a power of two. */
const READ_AHEAD = 5;

/** Says whether it can be done, when what was written is on the disk. A kernel that does not clear what is freed would have it in memory as well. */
const CAN_SET_ASIDE = 'grep -q init_on_free=1 /proc/cmdline && command -v perl >/dev/null && sync && echo yes; :';

/**
 * Moves the memory of the programs in a VM to its disk, has its server asked by `ask`, which brings back what that needs, and leaves the rest there: a saved VM
 * goes on before it has come. Does nothing where that cannot be done.
 */
export async function setAside(
  vm: Pick<Workshop['vm'], 'growthBytes'>,
  { limits }: Pick<ServiceSpec, 'limits'>,
  context: StepContext,
  ask: () => Promise<void>,
): Promise<void> {
  const quiet = { ...context, say: () => undefined };
  if ((await runStep('probe', { command: CAN_SET_ASIDE }, quiet)) !== 'yes\n') return;
  const roomBytes = limits.diskMib * 2 ** 20 * (1 - LEFT_OF_GROWTH) - (await vm.growthBytes());
  const command = `perl - ${SWAP_FILE} ${LEAST_BYTES} ${Math.max(0, Math.floor(roomBytes))} "$BRING_BACK"; :`;
  const environment = { BRING_BACK: BRING_BACK_PROGRAM };
  if (!/^aside$/m.test(await runStep('probe', { command, environment, input: program() }, quiet))) return;
  await ask();
  await runStep('probe', { command: `echo ${READ_AHEAD} >/proc/sys/vm/page-cluster; :` }, quiet);
}

async function* program(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(SET_ASIDE_PROGRAM);
}
