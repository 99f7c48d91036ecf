import { boundConstructor } from '../../bound-constructor.ts';
import type { ContextSeat } from '../../context.ts';
import type { FieldEntry } from '../../http/field.ts';
import { sendRequest } from './client.ts';
import { Fields3 } from './fields.ts';
import { Request3 } from './request.ts';
import { RequestOptions3 } from './request-options.ts';
import { Response3 } from './response.ts';

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
    'wasi:http/client@0.3': { send: (request: Request3) => sendRequest(seat.context, request) },
  };
}
