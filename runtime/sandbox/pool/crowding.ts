import type { LaneSandbox } from './lane-sandbox.ts';
import { fairWidth, isOverfull, type WidthSample } from './lane-width.ts';

/** Windows in which sandboxes were overfull, less those in which they were not, after which they want another beside them. */
const OVERFULL_WINDOWS = 100;

/** Finds whether short invocations wait within the sandboxes of a version that another would take over, and whether it has come. */
export class Crowding {
  readonly #sandboxes: () => readonly LaneSandbox[];
  /** Windows, as `OVERFULL_WINDOWS` counts them. */
  #windows = 0;
  /** Whether one was added because another was overfull. */
  #hasAdded = false;

  constructor(sandboxes: () => readonly LaneSandbox[]) {
    this.#sandboxes = sandboxes;
  }

  /** Whether there is something to count. */
  get isCounting(): boolean {
    return this.#windows > 0 || this.isCrowded;
  }

  /** Whether somebody waits within a sandbox. */
  get isCrowded(): boolean {
    return this.#sandboxes().some((one) => isCrowded(one));
  }

  /** Whether one more sandbox, beside those that serve, would take over what waits within them. */
  get wantsAnother(): boolean {
    return this.#windows >= OVERFULL_WINDOWS;
  }

  /** Whether short ones are shared out: more than one serves, since one was not enough. One that came earlier, while the first was new, is to become idle again. */
  get isShared(): boolean {
    return this.#hasAdded && this.#serveTogether;
  }

  /** A window has passed, in which `isWaitedFor` says whether anybody waited; null when nothing was measured in it. */
  note(sample: WidthSample | null, isWaitedFor: boolean): void {
    const isFuller = sample !== null && isWaitedFor && isOverfull(sample);
    this.#windows = isFuller ? Math.min(this.#windows + 1, OVERFULL_WINDOWS) : Math.max(this.#windows - 1, 0);
    if (this.wantsAnother && this.#serveTogether) this.joined();
  }

  /** One more serves: from now on short ones are shared out. */
  joined(): void {
    if (this.wantsAnother) this.#hasAdded = true;
    this.#windows = 0;
  }

  get #serveTogether(): boolean {
    let serving = 0;
    for (const { sandbox } of this.#sandboxes()) if (sandbox.state === 'ready') serving += 1;
    return serving > 1;
  }
}

/** Whether more short invocations are in it than it would be given beside another. Only what it sends ahead waits within it. */
export function isCrowded({ isMeasured, taken, sandbox }: LaneSandbox): boolean {
  const fair = fairWidth(sandbox.processors);
  return taken > fair && isMeasured && sandbox.placesAhead > fair;
}
