import type { IncomingMessage, ServerResponse } from 'node:http';

/** Requests whose senders wait for leave to send the body (`Expect: 100-continue`), each with its answer. */
const held = new WeakMap<IncomingMessage, ServerResponse>();

/**
 * Holds back the leave to send a body until somebody reads it: who is refused (no session, too long, no such function) is told so
 * before the first byte. Node closes the connection of an answer that goes without it, since its sender may go on with either.
 */
export function holdContinue(incoming: IncomingMessage, outgoing: ServerResponse): void {
  held.set(incoming, outgoing);
}

/** Lets the sender begin, if it waits for that; to be called by whoever begins to read. */
export function continueBody(incoming: IncomingMessage): void {
  const outgoing = held.get(incoming);
  // Behind the head of an answer it would be read as a part of its body; a sender that has that head waits no more.
  if (outgoing === undefined || !held.delete(incoming) || outgoing.headersSent || outgoing.destroyed) return;
  outgoing.writeContinue();
}
