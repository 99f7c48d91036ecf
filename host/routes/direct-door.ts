import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InvocationIdentity } from '../../runtime/index.ts';
import { type BegunAnswer, beginAnswer } from '../http/answer.ts';
import { AnswersTogether } from '../http/answers-together.ts';
import { type BegunInvocation, handOver } from '../http/begun-invocation.ts';
import { CallerLeft } from '../http/caller-left.ts';
import { latin1 } from '../http/guest-headers.ts';
import { invokeOptions } from '../http/invoke-options.ts';
import { type PlainRequest, plainRequest } from '../http/plain-request.ts';
import { fieldOf } from '../http/raw-headers.ts';
import { bodyAtHand, smallLength } from '../http/request-body.ts';
import { type WholeAnswer, wholeAnswer } from '../http/whole-answer.ts';
import { withheldTeller } from '../http/withheld.ts';
import type { HostParts } from '../parts.ts';
import { type Caller, plainCaller } from '../trust/index.ts';
import { guestRequest } from './http-door.ts';

/** Answers a request, or has the routes do it. */
type Answerer = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Answers the requests that it takes, and leaves the others to the routes. */
export type DirectDoor = (incoming: IncomingMessage, outgoing: ServerResponse, routes: Answerer) => void;

/**
 * The short way to a function, for what nearly all requests to one are: let in by one look at who asks, with a body that is here, and an answer that comes whole. It decides
 * nothing that the routes decide otherwise: what it does not see through at once, it leaves to them, also when the invocation has begun by then.
 */
export function directDoor({ cloudlet, limits, trust, journal, metrics, draining }: HostParts): DirectDoor {
  const tellOnce = withheldTeller(journal, 'function');
  const together = new AnswersTogether();

  const serve = async (plain: PlainRequest, caller: Caller, exchange: Exchange): Promise<void> => {
    const { incoming, outgoing, routes } = exchange;
    const method = incoming.method!;
    const { rawHeaders: raw } = incoming;
    let identity: InvocationIdentity | undefined;
    const leave = (outcome: BegunInvocation['outcome']): void => {
      handOver(incoming, { caller, identity, outcome });
      routes(incoming, outgoing);
    };
    try {
      const request = guestRequest(method, 'http', plain.authority, plain.target, raw);
      const begun = (one: InvocationIdentity): void => {
        identity = one;
      };
      const input = bodyAtHand(incoming, limits.bodyBytes)!;
      const options = invokeOptions({ header: (name) => fieldOf(raw, name) }, begun, new CallerLeft(outgoing));
      const invocation = await cloudlet.invoke(plain.name, request, input, options);
      const answer = await beginAnswer(method, invocation, tellOnce(plain.name));
      const whole = wholeAnswer(invocation, answer);
      if (whole?.isOrdinary !== true) return leave({ invocation, answer });
      together.add(() => {
        try {
          metrics.requestAnswered(answer.status);
          send(outgoing, answer, whole);
        } catch (error) {
          leave({ error });
        }
      });
    } catch (error) {
      leave({ error });
    }
  };

  return (incoming, outgoing, routes) => {
    const plain = draining.aborted ? null : plainRequest(incoming);
    const caller = plain === null ? null : plainCaller(plain, incoming, trust);
    const length = caller === null ? null : smallLength(incoming);
    if (plain === null || caller === null || length === null) return routes(incoming, outgoing);
    const exchange = { incoming, outgoing, routes };
    if (length === 0) return void serve(plain, caller, exchange);
    // A body that came together with its header is here as soon as all that came has been read.
    void Promise.resolve().then(() => {
      if (incoming.readableLength === length) void serve(plain, caller, exchange);
      else routes(incoming, outgoing);
    });
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly routes: Answerer;
}

/** Longest body that leaves with its head in one write, bytes. */
const SHORT_BYTES = 4 * 1024;

function send(outgoing: ServerResponse, { status, headers }: BegunAnswer, { header, body }: WholeAnswer): void {
  // As Hono's adapter does it: Node then writes the length where it has always been, behind the fields.
  if (headers.contentLength === null) (outgoing as { _contentLength?: number })._contentLength = body.length;
  outgoing.writeHead(status, header as string[]);
  if (body.length > SHORT_BYTES) outgoing.end(body);
  // One character for each byte, as in the head.
  else outgoing.end(latin1(body), 'latin1');
}
