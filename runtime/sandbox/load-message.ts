import type { LoadMessage } from '../agent/wire.ts';
import { limitMemory } from '../component/limit-memory.ts';
import { checkReuse, DEFAULT_REUSE } from './reuse.ts';
import type { SandboxContent } from './sandbox.ts';

/** The load message of an artifact under its grant, and the bytes that follow it. Pure. `component-refused` when the grant has less memory than the component starts with. */
export function loadMessage(content: SandboxContent): { message: LoadMessage; parts: Uint8Array[] } {
  const { grant } = content;
  const artifact = limitMemory(content.artifact, grant.limits.memoryMib);
  const { manifest } = artifact;
  const glue = new TextEncoder().encode(artifact.glue);
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
    environment: Object.entries(grant.environment),
    arguments: grant.arguments,
    configuration: Object.entries(grant.configuration ?? {}),
    valueBytes: grant.limits.valueBytes,
  };
  return { message, parts: [glue, ...artifact.modules.map((module) => module.bytes)] };
}
