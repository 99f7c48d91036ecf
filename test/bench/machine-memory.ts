import { readFile } from 'node:fs/promises';

/** What the memory of one QEMU is made of, bytes of private pages. */
export interface MachineMemory {
  /** All private pages, clean ones too. */
  readonly privateBytes: number;
  /** Its share of everything, shared pages divided by who has them. */
  readonly pssBytes: number;
  /** Pages of the snapshot that the guest wrote to. */
  readonly guestBytes: number;
  /** Code that the emulator translated. */
  readonly translatedBytes: number;
  /** The rest: QEMU's own heap, stacks and data. */
  readonly ownBytes: number;
}

/** Reads it from the kernel, mapping by mapping. `memoryBytes` is the size of the guest's memory, by which its mapping is known. */
export async function machineMemory(pid: number, memoryBytes: number): Promise<MachineMemory> {
  const text = await readFile(`/proc/${pid}/smaps`, 'utf8');
  const sum = { privateBytes: 0, pssBytes: 0, guestBytes: 0, translatedBytes: 0 };
  for (const mapping of text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) /.exec(mapping);
    if (head === null) continue;
    const bytes = Number(BigInt(`0x${head[2]}`) - BigInt(`0x${head[1]}`));
    const value = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(mapping)?.[1] ?? 0) * 1024;
    const own = value('Private_Clean') + value('Private_Dirty');
    sum.privateBytes += own;
    sum.pssBytes += value('Pss');
    if (bytes === memoryBytes) sum.guestBytes += own;
    else if (head[3] === 'rwxp') sum.translatedBytes += own;
  }
  return { ...sum, ownBytes: sum.privateBytes - sum.guestBytes - sum.translatedBytes };
}

/** Processor time that a process has used so far, milliseconds. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Clock ticks of a hundredth of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
