/** Runs a command component over the stock shim, in a process of its own: `stock-shim.ts COMPONENT FOLDER [ARGUMENT…]`. */
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { translate } from './component.ts';

const [component, folder, ...args] = process.argv.slice(2);
const shim = new WASIShim({ sandbox: { preopens: { '/': folder! }, env: {}, args: ['guest', ...args] } });
const instantiate = await translate(component!, 'sync');
const exports = instantiate(shim.getImportObject() as unknown as Record<string, Record<string, unknown>>);
await exports.run.run();
