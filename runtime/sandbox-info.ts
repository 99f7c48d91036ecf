import type { SandboxInfo } from '../guest-sdk/protocol/index.ts';
import { parseVersionId } from './function/function-version.ts';
import type { RoomEntry } from './sandbox/index.ts';

/** A sandbox as callers see it. */
export function sandboxInfo({ sandbox, version, via, privateBytes }: RoomEntry): SandboxInfo {
  const loaded = parseVersionId(version);
  return {
    id: sandbox.id,
    kind: sandbox.kind,
    function: loaded.name,
    version: loaded.version,
    state: sandbox.state,
    via,
    privateBytes,
    pid: sandbox.pid,
    running: sandbox.running,
    served: sandbox.served,
    startedAt: sandbox.startedAt.toISOString(),
  };
}
