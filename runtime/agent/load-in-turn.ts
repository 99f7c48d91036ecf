import type { WorkerComponent } from './worker-message.ts';
import type { WorkerSlot } from './worker-slot.ts';

/**
 * Loads a component into so many workers at once, in their order: as many as there are processors. The first call needs one worker, and would wait for
 * what the others take of its processor. Where there is but one, the others begin after that call.
 */
export async function loadInTurn(
  slots: Iterable<Pick<WorkerSlot, 'load'>>,
  component: WorkerComponent,
  atOnce: number,
): Promise<void> {
  const left = slots[Symbol.iterator]();
  let isFirst = true;
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      const awaitsCall = atOnce === 1 && isFirst;
      isFirst = false;
      await next.value.load(component, awaitsCall);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
