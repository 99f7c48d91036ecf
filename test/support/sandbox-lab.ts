/**
 * Real components in real sandboxes, for tests.
 */
import { readFile } from 'node:fs/promises';
import { emptyGrant, type Grant } from '../../guest-sdk/protocol/index.ts';
import type { LogMessage } from '../../runtime/agent/wire.ts';
import type { Artifact } from '../../runtime/component/artifact.ts';
import { ensureAgentFile } from '../../runtime/image/index.ts';
import type { Machine } from '../../runtime/machine/machine.ts';
import type { Call } from '../../runtime/sandbox/channel/call.ts';
import type { HostLine } from '../../runtime/sandbox/channel/call-asks.ts';
import { type Sandbox, startProcessMachine, startSandbox } from '../../runtime/sandbox/index.ts';
import type { StartOptions } from '../../runtime/sandbox/start-sandbox.ts';
import { guest } from './guest.ts';
import { keptArtifact } from './kept-artifact.ts';
import { TEST_CACHE } from './microvm-lab.ts';

let agentFile: Promise<string> | null = null;

const artifacts = new Map<string, Promise<Artifact>>();

/** A test guest, translated. Read once for each process. */
export function artifactOf(name: string): Promise<Artifact> {
  const known = artifacts.get(name);
  if (known !== undefined) return known;
  const made = guest(name)
    .then((path) => readFile(path))
    .then((bytes) => keptArtifact(bytes));
  artifacts.set(name, made);
  return made;
}

/** A grant for tests: an environment variable, small limits. */
export const TEST_GRANT: Grant = {
  ...emptyGrant({ memoryMib: 64, deadlineMs: 120_000, concurrency: 4, valueBytes: 1024 * 1024, logBytes: 65_536 }),
  environment: { GREETING: 'good day' },
  configuration: { 'api.url': 'https://example.org/', empty: '' },
};

/** The agent, bundled. Once for each process. */
export function testAgentFile(): Promise<string> {
  agentFile ??= ensureAgentFile(TEST_CACHE);
  return agentFile;
}

/** The agent as a process. */
export async function startTestProcess(workers = 4): Promise<Machine> {
  return startProcessMachine({ agentFile: await testAgentFile(), workers, memoryMib: TEST_GRANT.limits.memoryMib });
}

/** Starts a sandbox that is a process. */
export function testProcess(workers?: number): StartOptions {
  return { kind: 'process', startMachine: () => startTestProcess(workers) };
}

/** A sandbox with a test guest loaded; `limits` in place of the test grant's. */
export async function loadedSandbox(
  start: StartOptions,
  name: string,
  limits: Partial<Grant['limits']> = {},
): Promise<Sandbox> {
  const artifact = await artifactOf(name);
  const sandbox = await startSandbox(start);
  try {
    const grant = { ...TEST_GRANT, limits: { ...TEST_GRANT.limits, ...limits } };
    await sandbox.load({ program: name, artifact, grant });
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  return sandbox;
}

/** Everything that came out of a call that ended well. */
export interface Finished {
  readonly head: Awaited<Call['began']>;
  readonly output: Uint8Array;
  readonly text: string;
  readonly end: Awaited<Call['done']>;
}

/** Reads a call to its end. */
export async function finish(call: Call): Promise<Finished> {
  const head = await call.began;
  const parts: Uint8Array[] = [];
  for await (const part of call.output) parts.push(part);
  const output = Buffer.concat(parts);
  return { head, output, text: output.toString(), end: await call.done };
}

/** What a guest wrote to its log: each message, and one text for each stream. */
export class LogCollector {
  readonly messages: (LogMessage | HostLine)[] = [];
  readonly #texts = { stdout: '', stderr: '', host: '' };
  readonly take = (message: LogMessage | HostLine): void => {
    this.messages.push(message);
    this.#texts[message.stream] += message.text;
  };

  /** What the host said. */
  get host(): string {
    return this.#texts.host;
  }

  get stderr(): string {
    return this.#texts.stderr;
  }
}
