/** That a benchmark was asked for what there is not: one sentence, and exit status 2. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}
