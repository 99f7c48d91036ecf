import { FileTree, GuestExit, GuestTrap } from '../../runtime/wasi/index.ts';
import { type CallName, Preview1Lab, SIGNATURES } from '../runtime/wasi/preview1/lab.ts';
import type { SeededRandom } from '../support/random.ts';
import type { FuzzTarget } from './run.ts';

const CALLS = Object.keys(SIGNATURES) as CallName[];
const CALLS_IN_A_ROUND = 200;
const PAGE = 65_536;

/** Numbers that a hostile program would give as addresses, lengths, descriptors and flags. */
const EDGES = [0, 1, 2, 3, 4, 5, 8, 64, 255, 4096, PAGE - 1, PAGE, PAGE + 1, 2 ** 31 - 1, -1, -(2 ** 31), -31_337];

/**
 * A program of WASI 0.1 may call anything with anything: it gets an error number, ends, or traps by a rule. Nothing else comes out, and the
 * file system holds no more than it may.
 */
const preview1: FuzzTarget = async (random) => {
  const files = new FileTree({ scratchBytes: 100_000, scratchNodes: 50 });
  const lab = await Preview1Lab.open({ files, arguments: ['fuzz'], environment: [['A', 'b']] });
  for (let call = 0; call < CALLS_IN_A_ROUND; call += 1) {
    if (random.below(3) === 0) scribble(random, lab);
    const name = random.pick(CALLS);
    // A wait for a time that it chooses itself would be kept.
    if (name === 'poll_oneoff') continue;
    const args = [...SIGNATURES[name]].map((letter) => (letter === 'i' ? number(random) : BigInt(number(random))));
    try {
      const errno = await lab.call(name, ...args);
      if (!Number.isInteger(errno) || errno < 0 || errno > 76) throw new Error(`${name} answered ${errno}`);
    } catch (error) {
      if (!(error instanceof GuestExit) && !(error instanceof GuestTrap)) throw error;
    }
    if (files.usedBytes > 100_000 || files.usedNodes > 50) throw new Error(`${name} went over the quota`);
  }
};

function number(random: SeededRandom): number {
  return random.below(2) === 0 ? random.pick(EDGES) : random.below(600);
}

/** Paths and vectors of buffers where calls are likely to look for them. */
function scribble(random: SeededRandom, lab: Preview1Lab): void {
  const path = random.pick(['a', 'b/c', '.', '..', 'a/..', '\0', 'b', '/', 'c'.repeat(300)]);
  lab.text(path, random.below(600));
  lab.vector(
    ...Array.from({ length: random.below(4) }, () => [number(random) >>> 0, number(random) >>> 0] as [number, number]),
  );
}

export default preview1;
