/** Names and versions of the generators of glue. */
export const GENERATOR = 'jco-lean 1.10.2 and jco 1.35.0';
/** Name and version of what adapts WASI 0.1 modules. */
export const ADAPTER = 'jco 1.35.0';
/** Name and version of our rewriting and binding. Changes whenever the same component would become another artifact. */
export const REWRITER = 'cloudlet 13';

/** Everything that shapes an artifact besides the component; part of its name in the cache. Imports nothing, so that the host need not load the tools. */
export const TOOLS = `${GENERATOR}, ${ADAPTER}, ${REWRITER}`;
