import { digestOfHex, emptyGrant, type Grant } from '../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../../runtime/component/artifact.ts';
import type { OutsideServices } from '../../runtime/outside/outside-service.ts';
import type { LoadedVersion } from '../../runtime/sandbox/index.ts';

/** An artifact of nothing, for agents that do not look at it. */
export const EMPTY_ARTIFACT: Artifact = {
  manifest: {
    format: 1,
    component: digestOfHex('0'.repeat(64)),
    tools: 'none',
    doors: ['run'],
    asynchronous: false,
    imports: [],
    functions: [],
    run: ['run'],
    http: null,
    modules: [],
  },
  glue: 'export function instantiate() {}',
  modules: [],
};

/** A grant with this many invocations at once. */
export function grantOf(concurrency: number): Grant {
  return emptyGrant({ memoryMib: 64, deadlineMs: 1000, concurrency, valueBytes: 1000, logBytes: 1000 });
}

/** A version of nothing. */
export function versionOf(
  id: string,
  options: {
    readonly concurrency?: number;
    readonly artifact?: () => Promise<Artifact>;
    readonly outside?: () => OutsideServices;
  } = {},
): LoadedVersion {
  return {
    id,
    program: id,
    grant: grantOf(options.concurrency ?? 4),
    artifact: options.artifact ?? (async () => EMPTY_ARTIFACT),
    ...(options.outside === undefined ? {} : { outside: options.outside }),
  };
}
