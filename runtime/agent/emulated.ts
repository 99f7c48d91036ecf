import { cpus } from 'node:os';

/** Whether this processor is one of QEMU's translator, by its name: then to read memory costs more than to write it, and all else other than it seems. */
export const isEmulated: boolean = cpus()[0]?.model.includes('TCG') === true;
