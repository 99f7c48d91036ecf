import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../artifact.ts';
import { inspectComponent } from '../inspect.ts';
import { checkTables } from '../rewrite/check-tables.ts';
import { type RewriteOptions, rewriteModule } from '../rewrite/rewrite-module.ts';
import { TOOLS } from '../tools.ts';
import { COMMAND_RUN, plainCommand } from './command-glue.ts';

/**
 * The artifact of a WASI 0.1 command, whose operating system is called without an adapter in between; null for what is no such command. Nothing but the
 * rewriter and V8's validator reads it.
 */
export function commandArtifact(bytes: Uint8Array, digest: Digest, options: RewriteOptions = {}): Artifact | null {
  const command = plainCommand(bytes);
  if (command === null) return null;
  const info = inspectComponent(bytes);
  const { traits, bytes: module } = rewriteModule(command.module, bytes, undefined, options);
  checkTables([traits]);
  return {
    manifest: {
      format: 1,
      component: digest,
      tools: TOOLS,
      doors: info.doors,
      asynchronous: false,
      imports: command.imports,
      functions: [],
      run: COMMAND_RUN,
      http: null,
      modules: [traits],
    },
    glue: command.glue,
    modules: [{ name: traits.name, bytes: module }],
  };
}
