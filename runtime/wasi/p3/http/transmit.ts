import type { ByteSink } from '../../backend.ts';
import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import { BodyPipe } from '../../http/body-pipe.ts';
import type { HttpErrorCode } from '../../http/error-code.ts';
import type { HttpEnd, HttpHead } from '../../http/exchange.ts';
import { declaredLength } from '../../http/field.ts';
import type { IncomingHttp } from '../../http/incoming-request.ts';
import { drain } from '../stream/drain.ts';
import { Request3 } from './request.ts';
import { Response3, type SentResponse } from './response.ts';

/** Gives a request to the guest and sends its answer to where its caller wants it; see `Wasi.handle`. */
export async function handleRequest(
  context: Context,
  handle: (request: unknown) => unknown,
  request: IncomingHttp,
  respond: (head: HttpHead) => ByteSink,
): Promise<HttpEnd> {
  // A guest that ended without reading must not leave the sender waiting.
  const forget = context.atClose(() => request.body.close());
  try {
    const answer = await handle(Request3.incoming(context, request));
    return await transmit(context, answer as Response3, request.method === 'HEAD', respond);
  } finally {
    forget();
    request.body.close();
  }
}

/** Resolves when the answer is complete, or known to never be. */
async function transmit(
  context: Context,
  answer: Response3,
  isHead: boolean,
  respond: (head: HttpHead) => ByteSink,
): Promise<HttpEnd> {
  const { status, headers, body } = Response3.take(answer);
  const refuse = (code: HttpErrorCode): HttpEnd => {
    body.fail(code);
    return { kind: 'error', code };
  };
  const declared = declaredLength(headers);
  // An informational status ends no exchange; a length that contradicts itself would end it anywhere.
  if (status < 200 || declared === undefined) return refuse({ tag: 'HTTP-protocol-error' });
  const bodyless = isHead || status === 204 || status === 304;
  if (body.contents === null && declared !== null && declared > 0 && !bodyless) {
    return refuse({ tag: 'HTTP-response-body-size', val: 0n });
  }
  const pipe = new BodyPipe(context.backend.limits.bodyWindowBytes, declared);
  const { promise: end, resolve } = Promise.withResolvers<HttpEnd>();
  pipe.attach(respond({ status, headers }), bodyless, resolve);
  const forget = context.atClose(() => pipe.truncate('the guest ended before it finished the body'));
  // What waits for a guest that has ended waits for ever; the end of the exchange does not.
  void finish(context, body, pipe).catch((error: unknown) =>
    pipe.truncate(error instanceof Error ? error.message : 'the body could not be read'),
  );
  const how = await end;
  forget();
  return how;
}

async function finish(context: Context, body: SentResponse['body'], pipe: BodyPipe): Promise<void> {
  const failure = body.contents === null ? null : await drain(context, body.contents, pipe);
  if (failure !== null) {
    pipe.truncate(failure.message);
    body.fail(failure.http ?? { tag: 'connection-terminated' });
    return;
  }
  const trailers = await body.trailers;
  if (trailers.tag === 'err') {
    pipe.truncate(`the guest ended it with the error ${trailers.val.tag}`);
    body.fail(trailers.val);
    return;
  }
  body.settle(pipe.finish(trailers.val?.copyAll() ?? []));
  trailers.val?.[DISPOSE]();
}
