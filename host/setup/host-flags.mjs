import { availableParallelism } from 'node:os';

/** V8 has as many helpers: where there are no more processors, they take those of the functions and of the host itself. */
const HELPERS = 4;

/**
 * What Node is told on its command line when it is to be a host. Young garbage pins the bodies that stream through: with the default of 16 MiB a 100 MiB body raised the
 * host by 60 MiB, with 4 by 30. What an invocation makes is young: while the host is cold much of it outlives a collection or two, from which V8 would conclude that it is to be made
 * among the old from then on, where it keeps alive all that it refers to. While old objects are marked young ones are collected, too: else all that is made meanwhile, 30 MiB of a busy host,
 * becomes old. And they are marked when they have doubled, every 20 s of a busy host and not every 3: calls wait while it marks.
 *
 * @param {number} [processors]
 * @returns {string[]}
 */
export function hostFlags(processors = availableParallelism()) {
  const alone = processors > HELPERS ? [] : ['--no-concurrent-marking', '--no-parallel-marking'];
  const young = ['--max-semi-space-size=4', '--no-allocation-site-pretenuring'];
  const old = ['--no-separate-gc-phases', '--heap-growing-percent=100'];
  return [...young, ...old, ...alone];
}

/**
 * What the C library of a host is told. Each thread of Node's would have a heap of its own, and keep of it what it once needed; large buffers would lie among small ones, and what is free
 * below them stay.
 *
 * @returns {Record<string, string>}
 */
export function hostEnvironment() {
  return { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' };
}
