/** Reads server-sent events, as the WHATWG describes them. Pure: bytes in, events out. */
import { CloudletError } from '../protocol/index.ts';

/** One event. */
export interface StreamEvent {
  /** `message` when the sender gave none. */
  readonly event: string;
  readonly data: string;
  /** What `Last-Event-ID` takes; empty when the sender gives none. */
  readonly id: string;
}

/** Longest line and longest event, characters: the sender chooses, we pay. */
export const MAX_EVENT_CHARACTERS = 1024 * 1024;

/** The events of a stream, in order; one that its end cuts off is dropped. `result-too-large` for an event above the limit. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let event = '';
  let id = '';
  let data: string[] = [];
  let length = 0;
  for await (const line of readLines(body)) {
    length += line.length;
    if (length > MAX_EVENT_CHARACTERS) throw tooLong();
    if (line === '') {
      if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n'), id };
      event = '';
      data = [];
      length = 0;
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
    // Unlike the others it holds for the events to come as well.
    if (field === 'id') id = value;
    // A comment keeps a silent connection alive and belongs to no event.
    if (field === '') length -= line.length;
  }
}

/** Lines of a UTF-8 stream, ended by LF, CRLF or CR; what follows the last line end is dropped. */
async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the very end may be the first half of a CRLF.
    const complete = rest.endsWith('\r') ? rest.length - 1 : rest.length;
    const lines = rest.slice(0, complete).split(/\r\n|\r|\n/);
    rest = lines.pop()! + rest.slice(complete);
    yield* lines;
    if (rest.length > MAX_EVENT_CHARACTERS) throw tooLong();
  }
  if (rest.endsWith('\r')) yield rest.slice(0, -1);
}

function tooLong(): CloudletError {
  return new CloudletError('result-too-large', `expected an event of at most ${MAX_EVENT_CHARACTERS} characters`);
}
