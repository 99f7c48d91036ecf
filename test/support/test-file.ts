/**
 * One test file before it runs: what it needs, how long it may take, and what is wrong with it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a file needs. `fast`: nothing but a processor. `heavy`: whole hosts, compilers, processes that run guests. `machines`: that, virtual machines and browsers, which
 * fill a computer.
 */
export type TestKind = 'fast' | 'heavy' | 'machines';

/** A file of tests. */
export interface TestFile {
  /** Path from the project's folder. */
  readonly path: string;
  readonly kind: TestKind;
  /** Only for who asks: a slow toolchain, a foreign program. */
  readonly slow: boolean;
  /** After this it is ended. */
  readonly limitSeconds: number;
  /** Why it may not even run: a suite that is never run, a test that is skipped or singled out. */
  readonly fault: string | null;
}

/** Several times what files of a kind take on a quiet computer: one that hangs is found all the same. */
const LIMIT_S = { fast: 120, heavy: 300, machines: 300 } as const;

/** Every `test/**\/*.test.ts` of the project in `root`, by path. */
export function testFiles(root: string): TestFile[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file}`)
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((path) => readTestFile(path, readFileSync(join(root, path), 'utf8')));
}

/** What a file says about itself. Pure. */
export function readTestFile(path: string, source: string): TestFile {
  const kind = kindOf(path, source);
  return {
    path,
    kind,
    slow: path.endsWith('.slow.test.ts'),
    limitSeconds: Number(/^\/\/ time limit: (\d+) s/m.exec(source)?.[1] ?? LIMIT_S[kind]),
    fault: faultOf(source),
  };
}

/** A file outside of test/e2e and test/examples is heavy when it says so by a line `// end to end` at its top. */
function kindOf(path: string, source: string): TestKind {
  if (path.startsWith('test/e2e/')) return 'machines';
  if (path.startsWith('test/examples/') || path.endsWith('.slow.test.ts')) return 'heavy';
  return /^(\/\/.*\n)*\/\/ end to end\n/.test(source) ? 'heavy' : 'fast';
}

function faultOf(source: string): string | null {
  const suites = source.match(/^const \w+ = suite\b/gm)?.length ?? 0;
  const runs = source.match(/^\w+\.run\(\)/gm)?.length ?? 0;
  if (runs < suites) return runs === 0 ? 'no suite is run: call .run()' : `${suites} suites, but only ${runs} .run()`;
  const marked = source.match(/^\s*\w+(\.skip|\.only)\(/m);
  return marked ? `a test is marked ${marked[1]}` : null;
}
