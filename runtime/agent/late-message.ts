/** Id of the bytes of late files, which no load has. */
export const LATE_ID = 0;

/**
 * As `late`: the bytes of this piece of this late file of the load follow, as `body` frames of id `LATE_ID`, before those of any other. As `want`: a
 * guest waits for them.
 */
export interface LateMessage {
  readonly late: number;
  readonly piece: number;
}
