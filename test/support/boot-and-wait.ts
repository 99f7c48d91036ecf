/** A host that boots a machine, says its process id, and waits to be killed. */
import { bootTestMachine } from './microvm-lab.ts';

const machine = await bootTestMachine();
process.stdout.write(`${machine.pid}\n`);
setInterval(() => undefined, 1000);
