import type { Context } from '../../context.ts';
import { BodyPipe } from '../../http/body-pipe.ts';
import { type HttpClientCall, httpErrorCodeOf } from '../../http/client.ts';
import type { HttpErrorCode } from '../../http/error-code.ts';
import { declaredLength } from '../../http/field.ts';
import { nameOf } from '../../http/method.ts';
import { RequestSink } from '../../http/outgoing-handler.ts';
import { milliseconds } from '../../http/request-options.ts';
import { drain } from '../stream/drain.ts';
import { Request3, type SentRequest } from './request.ts';
import { Response3 } from './response.ts';

/** `wasi:http/client#send`. A guest without a client has no network: every request is denied. */
export async function sendRequest(context: Context, request: Request3): Promise<Response3> {
  const sent = Request3.take(request);
  const { body, timeouts } = sent;
  const declared = declaredLength(sent.headers);
  const client = context.backend.httpClient;
  const error: HttpErrorCode | null = client === null ? { tag: 'HTTP-request-denied' } : errorOf(sent, declared);
  if (client === null || error !== null) {
    body.fail(error!);
    throw error;
  }
  const call = client.send({
    method: nameOf(sent.method),
    scheme: sent.scheme?.tag === 'HTTP' ? 'http' : 'https',
    authority: sent.authority!,
    path: sent.path ?? '/',
    headers: sent.headers,
    body: body.contents !== null,
    connectMs: milliseconds(timeouts?.connectNs),
    firstByteMs: milliseconds(timeouts?.firstByteNs),
    betweenBytesMs: milliseconds(timeouts?.betweenBytesNs),
  });
  const forget = context.atClose(() => call.forget());
  void call.settled.then(forget);
  // A server may answer before it has the whole body, which goes on meanwhile.
  const transmitted = transmitBody(context, sent, declared ?? null, call);
  transmitted.catch(() => call.forget());
  try {
    return Response3.incoming(context, await call.response);
  } catch (failure) {
    const code = httpErrorCodeOf(failure);
    body.fail(code);
    throw code;
  }
}

async function transmitBody(
  context: Context,
  { body }: SentRequest,
  declared: number | null,
  call: HttpClientCall,
): Promise<void> {
  const sink = new RequestSink(call.body);
  const pipe = new BodyPipe(context.backend.limits.bodyWindowBytes, declared, 'HTTP-request-body-size');
  pipe.attach(sink, false, () => {});
  const failure = body.contents === null ? null : await drain(context, body.contents, pipe);
  if (failure !== null) {
    body.fail(failure.http ?? { tag: 'connection-terminated' });
    // A server may answer without taking the whole body. When it is the guest that gave up, nothing may look complete.
    if (!sink.refused) call.forget();
    return;
  }
  const trailers = await body.trailers;
  const code = trailers.tag === 'err' ? trailers.val : pipe.finish(trailers.val?.copyAll() ?? []);
  if (code === undefined) call.finish(trailers.tag === 'err' ? [] : (trailers.val?.copyAll() ?? []));
  else call.forget();
  if (trailers.tag === 'ok') trailers.val?.[Symbol.dispose]();
  // Whoever takes it all may still break the connection off.
  const lost = code === undefined ? await call.response.then(() => undefined, httpErrorCodeOf) : code;
  if (lost === undefined) body.settle(undefined);
  else body.fail(lost);
}

function errorOf({ authority, scheme, body }: SentRequest, declared: number | null | undefined): HttpErrorCode | null {
  if (authority === undefined) return { tag: 'HTTP-request-URI-invalid' };
  if (scheme?.tag === 'other' || declared === undefined) return { tag: 'HTTP-protocol-error' };
  if (body.contents === null && declared !== null && declared > 0) return { tag: 'HTTP-request-body-size', val: 0n };
  return null;
}
