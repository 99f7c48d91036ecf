/** What a function lacks, as sentences that name the thing and what adds it. */

const REMEDY = 'run npx cloudlet trace --learn -- …';

/** Paths that it looked for in vain, the last of them last. */
export function fileMissing(paths: readonly string[]): string {
  const are = paths.length === 1 ? 'is' : 'are';
  return `${paths.join(', ')} ${are} not in the package: ${REMEDY}, or add it to "files" in cloudlet.json`;
}

/** A path that it wanted to write. */
export function fileReadOnly(path: string): string {
  return `${path} cannot be written: ${REMEDY}, or add its directory to "scratch" in cloudlet.json`;
}

/** A key that it asked `wasi:config` for. */
export function configurationMissing(key: string): string {
  return `the configuration has no ${JSON.stringify(key)}: add it to "configuration" in cloudlet.json`;
}
