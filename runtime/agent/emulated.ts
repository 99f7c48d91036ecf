import { cpus } from 'node:os';

/** Whether this processor is one of QEMU's translator, by its name: then to compare bytes costs more than to write them. */
export const isEmulated: boolean = cpus()[0]?.model.includes('TCG') === true;
