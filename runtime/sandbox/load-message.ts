import type { Grant } from '../../guest-sdk/protocol/index.ts';
import {
  encodeFiles,
  type LateContent,
  type LoadMessage,
  type ReuseLimits,
  type SentDirectory,
} from '../agent/wire.ts';
import type { Artifact } from '../component/artifact.ts';
import { limitMemory } from '../component/limit-memory.ts';
import { givenTexts } from '../grant/index.ts';
import { checkReuse, DEFAULT_REUSE } from './reuse.ts';

/** What is put into a sandbox: one version of a function. */
export interface SandboxContent {
  /** The function's name; a command sees it as its first argument. */
  readonly program: string;
  readonly artifact: Artifact;
  readonly grant: Grant;
  /** The directories that the grant gives, with the package's files; none when left out. */
  readonly files?: readonly SentDirectory[];
  /** Whether its uses are told in full. */
  readonly recorded?: boolean;
  /** How the instances of an asynchronous component are used again; the defaults when it is left out. */
  readonly reuse?: ReuseLimits;
}

/** How long an agent may take to have what it is to run, milliseconds: a start that never ends would hold its turn from all functions. */
const LOAD_MS = 60_000;

/** Bytes that even an emulated machine on a busy computer takes in a millisecond; 53 MB took a minute of it. */
const LEAST_BYTES_PER_MS = 512;

/** How long an agent may take to load that many bytes, milliseconds: what has much data needs longer. Pure. */
export function loadMs(parts: readonly Uint8Array[]): number {
  return LOAD_MS + Math.floor(parts.reduce((sum, { length }) => sum + length, 0) / LEAST_BYTES_PER_MS);
}

/**
 * The load message of an artifact under its grant, the bytes that follow it, and the files that follow later. No secret is in it: it may end up in a snapshot. Pure.
 * `component-refused` when the grant has less memory than the component starts with.
 */
export function loadMessage(content: SandboxContent): {
  readonly message: LoadMessage;
  readonly parts: readonly Uint8Array[];
  readonly late: readonly LateContent[];
} {
  const { limits, scratch } = content.grant;
  const artifact = limitMemory(content.artifact, limits.memoryMib);
  const { manifest } = artifact;
  const glue = new TextEncoder().encode(artifact.glue);
  const scratchBytes = scratch.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = (content.files ?? []).length === 0 ? null : encodeFiles(content.files!, scratchBytes);
  const message: LoadMessage = {
    program: content.program,
    glueBytes: glue.length,
    modules: artifact.modules.map((module) => ({ name: module.name, bytes: module.bytes.length })),
    reuse: manifest.asynchronous ? checkReuse(content.reuse ?? DEFAULT_REUSE) : null,
    run: manifest.run,
    http: manifest.http,
    functions: manifest.functions.map(({ wit, path }) => ({
      name: wit.name,
      path,
      fallible: wit.result?.kind === 'result',
    })),
    ...givenTexts(content.grant),
    valueBytes: limits.valueBytes,
    cpuMs: limits.cpuMs,
    memoryMib: limits.memoryMib,
    limits: {
      handles: limits.handles,
      pollList: limits.pollables,
      fields: limits.fields,
      fieldBytes: limits.fieldBytes,
    },
    files: files?.message ?? null,
    ...(content.recorded === true ? { recorded: true } : {}),
  };
  const parts = [glue, ...artifact.modules.map((module) => module.bytes), ...(files?.parts ?? [])];
  return { message, parts, late: files?.late ?? [] };
}
