import {
  BODY_HTTP_ERRORS,
  type HttpErrorCode,
  HttpFailure,
  PLAIN_HTTP_ERRORS,
  SECTION_HTTP_ERRORS,
} from '../../wasi/index.ts';
import { OutsideError } from './outside.ts';

/** What the host's refusal of a request means in `wasi:http`. */
export function httpErrorOf(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (!(error instanceof OutsideError)) return new HttpFailure({ tag: 'internal-error', val: String(error) });
  return new HttpFailure(codeOf(error), error.message);
}

function codeOf({ code, message }: OutsideError): HttpErrorCode {
  const plain = PLAIN_HTTP_ERRORS.find((tag) => tag === code);
  if (plain !== undefined) return { tag: plain };
  // The host does not say the number.
  const body = BODY_HTTP_ERRORS.find((tag) => tag === code);
  if (body !== undefined) return { tag: body, val: undefined };
  const section = SECTION_HTTP_ERRORS.find((tag) => tag === code);
  if (section !== undefined) return { tag: section, val: undefined };
  switch (code) {
    case 'DNS-error':
      return { tag: code, val: { rcode: message } };
    // The function was granted no request at all.
    case 'refused':
      return { tag: 'HTTP-request-denied' };
    // The invocation has ended, or its sandbox.
    case 'forgotten':
      return { tag: 'connection-terminated' };
    case 'too-many':
      return { tag: 'connection-limit-reached' };
    default:
      return { tag: 'internal-error', val: message };
  }
}
