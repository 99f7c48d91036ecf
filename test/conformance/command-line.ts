import { parseArgs } from 'node:util';

/** What `npm run conformance` was asked for. */
export interface CommandLine {
  /** A folder of a suite, a folder of `.wast` files, or one such file. */
  readonly target: string;
  readonly sandbox: 'process' | 'microvm';
  /** File of expectations; null: the one beside this program. */
  readonly expect: string | null;
  readonly json: boolean;
  readonly filter: string;
}

export const USAGE =
  'npm run conformance -- DIR|FILE.wast [--sandbox process|microvm] [--expect FILE.toml] [--json] [filter]';

/** Reads the words after the program's name. Throws an error that says what was expected. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      sandbox: { type: 'string', default: 'process' },
      expect: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const { sandbox } = values;
  if (sandbox !== 'process' && sandbox !== 'microvm')
    throw new Error(`expected --sandbox process or --sandbox microvm, got ${sandbox}`);
  const [target, filter = '', ...more] = positionals;
  if (target === undefined || more.length > 0)
    throw new Error(`expected one folder or file and at most one filter, got ${positionals.length} words`);
  return { target, sandbox, expect: values.expect ?? null, json: values.json, filter };
}
