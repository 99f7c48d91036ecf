import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import * as v from 'valibot';
import { agentProcessor } from '../agent-processor.ts';
import type { MachineShape } from '../qemu-args.ts';

/** Changes when what is saved, or how, changes. */
const FORMAT = 3;

/**
 * Under what a snapshot may be restored. A machine that differs in any of it would crash, or be another machine than was
 * asked for.
 */
export interface SnapshotConditions {
  /** QEMU's version: it reads the device state of its own version. */
  readonly qemu: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** QEMU's model of the processor, and what the computer's own is and can do. */
  readonly processor: string;
  /** Rate of the counter that the guest's clock was told to go by, in MHz: processors of one model may differ in it. Null when it found out itself. */
  readonly counterMhz: number | null;
  /** Digest of the base image. */
  readonly image: string;
  readonly memoryMib: number;
  readonly vcpus: number;
  readonly workers: number;
  /** What was loaded, as whoever loaded it names it; null when nothing was. */
  readonly content: string | null;
}

const File = v.strictObject({ bytes: v.number(), digest: v.string() });

/** Conditions as they are read. */
export const Conditions = v.strictObject({
  qemu: v.string(),
  accelerator: v.picklist(['kvm', 'tcg']),
  processor: v.string(),
  counterMhz: v.nullable(v.number()),
  image: v.string(),
  memoryMib: v.number(),
  vcpus: v.number(),
  workers: v.number(),
  content: v.nullable(v.string()),
});

const Manifest = v.strictObject({
  format: v.literal(FORMAT),
  conditions: Conditions,
  files: v.strictObject({ memory: File, state: File }),
  /** As what the files were last found to be what they were: while the file system says the same, they need not be read. */
  verified: v.strictObject({ bootId: v.string(), memory: v.string(), state: v.string() }),
});

/** What lies beside a snapshot's files as `manifest.json`. */
export type SnapshotManifest = v.InferOutput<typeof Manifest>;

/** What of the conditions is the computer's: all that a machine saved elsewhere may differ in without being another machine. */
export type ComputerConditions = Pick<SnapshotConditions, 'qemu' | 'accelerator' | 'processor' | 'counterMhz'>;

/** The conditions that machines with this accelerator are started under on this computer; `processor` is QEMU's words for theirs, where they have less than it offers. */
export function computerConditions(
  accelerator: MachineShape['accelerator'],
  processor: string = accelerator.cpu,
): ComputerConditions {
  return {
    qemu: accelerator.qemuVersion,
    accelerator: accelerator.kind,
    processor: `${processor} on ${processorOfComputer()}`,
    // It is measured again in each boot of the computer, to 100 ppm: rounded, most find the snapshots of the last.
    counterMhz: accelerator.tscKhz === null ? null : Math.round(accelerator.tscKhz / 1000),
  };
}

/** The conditions of a machine of this shape and image; without workers it has no agent. */
export function conditionsOf(shape: MachineShape, image: string, content: string | null): SnapshotConditions {
  const { accelerator, memoryMib, vcpus, workers } = shape;
  const processor = workers === 0 ? accelerator.cpu : agentProcessor(accelerator);
  return { ...computerConditions(accelerator, processor), image, memoryMib, vcpus, workers, content };
}

/** The name of the snapshot that is made under these conditions. */
export function snapshotKey(conditions: SnapshotConditions): string {
  return createHash('sha256')
    .update(JSON.stringify({ format: FORMAT, conditions }))
    .digest('hex');
}

/** A manifest from its text; null when it is none, or of another format. */
export function parseSnapshotManifest(text: string): SnapshotManifest | null {
  try {
    const parsed = v.safeParse(Manifest, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null; // No JSON: torn.
  }
}

/** A manifest that was made now. */
export function snapshotManifest(made: Omit<SnapshotManifest, 'format'>): SnapshotManifest {
  return { format: FORMAT, ...made };
}

let computer: string | undefined;

/** Model and features of this computer's processor: a guest that was started with more of them than there are now crashes. */
function processorOfComputer(): string {
  if (computer === undefined) {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    computer = `${cpus()[0]?.model.trim() ?? 'unknown'} ${createHash('sha256').update(flags.trim()).digest('hex').slice(0, 16)}`;
  }
  return computer;
}
