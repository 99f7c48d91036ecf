import { instantiatePreview1, type SystemCalls } from '../wasi/index.ts';
import type { GlueState } from './glue-state.ts';

/** Makes the core instance that the glue asks for. */
type InstantiateCore = (
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
) => WebAssembly.Instance | Promise<WebAssembly.Instance>;

/** What the glue of a WASI 0.1 command finds among its imports: how it is instantiated over the WASI 0.2 beside it. */
export function commandGlue(system: Readonly<Record<string, unknown>>, state: GlueState) {
  return {
    instantiate: async (module: WebAssembly.Module, instantiateCore: InstantiateCore) => {
      const command = await instantiatePreview1(module, system as unknown as SystemCalls, instantiateCore);
      state.reset = command.reset;
      return { run: command.run };
    },
  };
}
