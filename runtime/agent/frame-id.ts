/** First id of what a worker asks of its host; the worker chooses it. Those of invocations, which the host chooses, go from 1 to below it. */
export const FIRST_ASK_ID = 0x8000_0000;

/** Whether a frame's id names something that was asked, and no invocation. */
export function isAskId(id: number): boolean {
  return id >= FIRST_ASK_ID;
}

/** Whether invocation ids, of which `reached` was the last, have come to `id`: those of a worker only grow, and begin again after the last. */
export function hasReached(reached: number, id: number): boolean {
  return (reached - id) << 1 >= 0;
}
