import { boundConstructor } from '../../bound-constructor.ts';
import type { ContextSeat } from '../../context.ts';
import type { HttpErrorCode } from '../../http/error-code.ts';
import type { FieldEntry } from '../../http/field.ts';
import { Fields3 } from './fields.ts';
import { Request3 } from './request.ts';
import { RequestOptions3 } from './request-options.ts';
import { Response3 } from './response.ts';

const DENIED: HttpErrorCode = { tag: 'HTTP-request-denied' };

/** The interfaces of `wasi:http` in WASI 0.3 that a guest imports. */
export function httpInterfaces3(seat: ContextSeat) {
  const fields = boundConstructor(Fields3.prototype, () => Fields3.empty(seat.context));
  return {
    'wasi:http/types@0.3': {
      Fields: Object.assign(fields, {
        fromList: (entries: readonly FieldEntry[]) => Fields3.fromList(seat.context, entries),
      }),
      Request: Request3,
      RequestOptions: boundConstructor(RequestOptions3.prototype, () => new RequestOptions3(seat.context)),
      Response: Response3,
    },
    'wasi:http/client@0.3': { send: deny },
  };
}

/** `wasi:http/client#send` of a guest that has no network. */
async function deny(request: Request3): Promise<never> {
  Request3.take(request).body.fail(DENIED);
  throw DENIED;
}
