import type { Context } from './context.ts';
import { GuestTrap } from './guest-end.ts';

/** What a backend promised; a guest that waits for it when its instance is closed traps, whatever becomes of the promise. */
export function untilClosed<Answer>(context: Context, promised: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const forget = context.atClose(() => reject(new GuestTrap('the instance was closed while the guest waited')));
    promised.then(resolve, reject).finally(forget);
  });
}
