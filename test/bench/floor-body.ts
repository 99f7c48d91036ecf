/** What the servers of benchmarks answer. */
export const BODY = 'hello\n';
