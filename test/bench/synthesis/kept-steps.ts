import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sample } from './kept-results.ts';

/** Steps of a benchmark that were measured, kept until all are: a run that ends early is gone on with. */
export class KeptSteps {
  readonly #path: string;
  readonly #what: string;
  readonly #known: Map<string, readonly Sample[]>;

  private constructor(path: string, what: string, known: Map<string, readonly Sample[]>) {
    this.#path = path;
    this.#what = what;
    this.#known = known;
  }

  /** What `path` keeps of a run that measured the same: `what` names the computer, the sources, what is provisioned. Of another run nothing is taken over. */
  static async open(path: string, what: string): Promise<KeptSteps> {
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
    const known = new Map<string, readonly Sample[]>();
    if (lines[0] === JSON.stringify({ what })) {
      for (const line of lines.slice(1)) {
        try {
          const { step, samples } = JSON.parse(line) as { step: string; samples: readonly Sample[] };
          known.set(step, samples);
        } catch {
          // The last one, when the run was ended while it wrote: it is measured again.
        }
      }
    }
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, textOf(what, known));
    return new KeptSteps(path, what, known);
  }

  /** Samples of a step that was measured. */
  of(step: string): readonly Sample[] | undefined {
    return this.#known.get(step);
  }

  /** A step was measured. */
  async keep(step: string, samples: readonly Sample[]): Promise<void> {
    this.#known.set(step, samples);
    await appendFile(this.#path, `${JSON.stringify({ step, samples })}\n`);
  }

  /** These are done with; others, of applications that were left out, are gone on with. */
  async forget(steps: Iterable<string>): Promise<void> {
    for (const step of steps) this.#known.delete(step);
    if (this.#known.size === 0) return rm(this.#path, { force: true });
    await writeFile(this.#path, textOf(this.#what, this.#known));
  }
}

function textOf(what: string, known: ReadonlyMap<string, readonly Sample[]>): string {
  const lines = [{ what }, ...[...known].map(([step, samples]) => ({ step, samples }))];
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}
