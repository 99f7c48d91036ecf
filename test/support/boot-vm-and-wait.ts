/** A host that boots a VM with a server in it, says its process id, and waits to be killed. */
import { bootTinyVm } from './vm-lab.ts';

const vm = await bootTinyVm();
vm.relay.run({ command: 'exec sleep 1000', detached: true }).catch(() => undefined);
process.stdout.write(`${vm.pid}\n`);
setInterval(() => undefined, 1000);
