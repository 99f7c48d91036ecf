import { WireError } from '../../agent/wire.ts';

/** What waits under `id`. The host chose the id and `done` is the last frame under it, so anything else is a broken rule. */
function pending<T>(waiting: ReadonlyMap<number, T>, id: number, kind: string): T {
  const found = waiting.get(id);
  if (found === undefined) throw new WireError(`expected ${kind} for something that is pending, got id ${id}`);
  return found;
}

/** The last frame under `id`. It was parsed before, so that what waits is still there to be told when it cannot be. */
export function ended<T, M>(
  waiting: Map<number, T>,
  id: number,
  kind: string,
  message: M,
  tell: (to: T, message: M) => void,
): void {
  const found = pending(waiting, id, kind);
  waiting.delete(id);
  tell(found, message);
}
