import { ServerResponse } from 'node:http';

/**
 * A response whose head, when it leaves before its body, has the bytes of its fields, one for each character: Node writes it as UTF-8 then. A head without a body behind it leaves
 * when the response ends.
 */
export class ByteResponse extends ServerResponse {
  override flushHeaders(): void {
    // Written to after its end, it would fail.
    if (this.writableEnded) return;
    const isCorked = (this.socket?.writableCorked ?? 0) > 0;
    this.write(NOTHING);
    // Node gathers what is written in the same turn: a head that is to leave has left, whatever happens to the connection next.
    if (!isCorked) this.socket?.uncork();
  }
}

const NOTHING = Buffer.alloc(0);
