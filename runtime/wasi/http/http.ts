import { boundConstructor } from '../bound-constructor.ts';
import type { ContextSeat } from '../context.ts';
import { IoError } from '../io/error.ts';
import { ResponseOutparam } from './exchange.ts';
import type { FieldEntry } from './field.ts';
import { Fields } from './fields.ts';
import { FutureTrailers, IncomingBody } from './incoming-body.ts';
import { IncomingRequest } from './incoming-request.ts';
import { FutureIncomingResponse, IncomingResponse } from './incoming-response.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { handleOutgoing } from './outgoing-handler.ts';
import { OutgoingRequest } from './outgoing-request.ts';
import { OutgoingResponse } from './outgoing-response.ts';
import { RequestOptions } from './request-options.ts';

/** The interfaces of `wasi:http` that a guest imports. */
export function httpInterfaces(seat: ContextSeat) {
  const fields = boundConstructor(Fields.prototype, () => Fields.empty(seat.context));
  return {
    'wasi:http/types': {
      Fields: Object.assign(fields, {
        fromList: (entries: readonly FieldEntry[]) => Fields.fromList(seat.context, entries),
      }),
      FutureIncomingResponse,
      FutureTrailers,
      IncomingBody,
      IncomingRequest,
      IncomingResponse,
      OutgoingBody,
      OutgoingRequest,
      OutgoingResponse,
      RequestOptions: boundConstructor(RequestOptions.prototype, () => new RequestOptions(seat.context)),
      ResponseOutparam,
      httpErrorCode: IoError.httpErrorCode,
    },
    'wasi:http/outgoing-handler': { handle: handleOutgoing },
  };
}
