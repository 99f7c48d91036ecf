/** A host that starts measuring guests as fast as it can, until it is killed. */
import { MEASURING_ARGS } from '../../runtime/machine/qemu-args.ts';
import { startQemu } from '../../runtime/machine/qemu-process.ts';

const args = ['-accel', 'tcg', ...MEASURING_ARGS, '-S'];
const start = () =>
  startQemu({ qemu: 'qemu-system-x86_64', accelerator: 'tcg', args, stdio: ['ignore', 'ignore', 'ignore'] });

// The first one finds out what works here.
await start();
process.stdout.write('started\n');
for (;;) await start();
