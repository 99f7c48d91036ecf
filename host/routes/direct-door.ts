import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { InvocationIdentity, InvocationRequest, InvokeOptions } from '../../runtime/index.ts';
import { beginAnswer } from '../http/answer.ts';
import { AnswersTogether } from '../http/answers-together.ts';
import { type BegunInvocation, handOver } from '../http/begun-invocation.ts';
import { CallerLeft } from '../http/caller-left.ts';
import { type SaidOptions, saidOptions } from '../http/invoke-options.ts';
import { type NodeExchange, PlainExchange } from '../http/plain-connection.ts';
import type { PlainHead } from '../http/plain-head.ts';
import { plainRequest } from '../http/plain-request.ts';
import { fieldOf } from '../http/raw-headers.ts';
import { bodyAtHand, smallLength } from '../http/request-body.ts';
import { sendByNode, sendOnSocket } from '../http/send-whole.ts';
import { wholeAnswer } from '../http/whole-answer.ts';
import { withheldTeller } from '../http/withheld.ts';
import type { HostParts } from '../parts.ts';
import { errorForCaller } from '../problem.ts';
import { bearerCaller, type Caller, plainCaller } from '../trust/index.ts';
import { guestRequest } from './http-door.ts';

/** Answers a request, or has the routes do it. */
type Answerer = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Answers the requests that it takes, and leaves the others to the routes. */
export interface DirectDoor {
  readonly answer: (incoming: IncomingMessage, outgoing: ServerResponse, routes: Answerer) => void;
  /** Takes a request that Node has not read; false, and nothing begun, when it does not. */
  readonly take?: (head: PlainHead, body: Uint8Array, exchange: PlainExchange, routes: Answerer) => boolean;
}

/** What a head says of an invocation; it is the same whenever the head is. */
interface Said {
  readonly request: InvocationRequest;
  readonly options: SaidOptions;
}

/** A request that is let in, and how it is answered. */
interface Asked extends Said {
  readonly caller: Caller;
  readonly method: string;
  /** Its target, as it was sent. */
  readonly target: string;
  readonly input: Uint8Array;
  readonly exchange: PlainExchange | NodeExchange;
  readonly routes: Answerer;
}

/**
 * The short way to a function, for what nearly all requests to one are: let in by one look at who asks, with a body that is here, and an answer that comes whole. It decides
 * nothing that the routes decide otherwise: what it does not see through at once, it leaves to them, also when the invocation has begun by then.
 */
export function directDoor({ cloudlet, limits, trust, journal, metrics, draining }: HostParts): DirectDoor {
  const tellOnce = withheldTeller(journal, 'function');
  const together = new AnswersTogether();
  const known = new WeakMap<PlainHead, Said>();

  /** An outcome that nobody is left to be told of: it is counted, and what is ours to mend goes to the journal, as by the routes. */
  const untold = ({ method, target }: Asked, { outcome }: BegunInvocation): void => {
    const path = target.split('?', 1)[0]!;
    const { status } =
      'error' in outcome ? errorForCaller(outcome.error, { method, path }, journal).traits : outcome.answer;
    metrics.requestAnswered(status);
  };
  /** Has the routes answer a request whose invocation has begun. */
  const toRoutes = (asked: Asked, begun: BegunInvocation): void => {
    const { exchange, routes } = asked;
    const act = ({ incoming, outgoing }: NodeExchange): void => {
      handOver(incoming, begun);
      routes(incoming, outgoing);
    };
    if (exchange instanceof PlainExchange) exchange.withNode(act, () => untold(asked, begun));
    else act(exchange);
  };
  const serve = async (name: PlainHead['name'], asked: Asked): Promise<void> => {
    const { exchange, request } = asked;
    let identity: InvocationIdentity | undefined;
    const leave = (outcome: BegunInvocation['outcome']): void =>
      toRoutes(asked, { caller: asked.caller, identity, outcome });
    try {
      const begun: InvokeOptions['begun'] = (one) => {
        identity = one;
      };
      const signal = exchange instanceof PlainExchange ? exchange.left : new CallerLeft().watch(exchange.outgoing);
      const { deadlineMs, idempotent, trace, choice } = asked.options;
      const options = { deadlineMs, idempotent, trace, begun, choice, signal };
      const invocation = await cloudlet.invoke(name, request, asked.input, options);
      const answer = await beginAnswer(asked.method, invocation, tellOnce(name));
      const whole = wholeAnswer(invocation, answer);
      if (whole?.isOrdinary !== true) return leave({ invocation, answer });
      const counted = (): void => metrics.requestAnswered(answer.status);
      const onSocket = (socket: Socket): void => {
        sendOnSocket(socket, answer, whole);
        counted();
      };
      // Node may come to it later, where nobody else would catch.
      const byNode = ({ outgoing }: NodeExchange): void => {
        try {
          sendByNode(outgoing, answer, whole);
          counted();
        } catch (error) {
          leave({ error });
        }
      };
      together.add(() => {
        try {
          if (exchange instanceof PlainExchange) exchange.answer(onSocket, byNode, counted);
          else byNode(exchange);
        } catch (error) {
          leave({ error });
        }
      });
    } catch (error) {
      leave({ error });
    }
  };
  const saidBy = (head: PlainHead): Said => {
    const { method, authority, target, rawHeaders } = head;
    const request = guestRequest(method, 'http', authority, target, rawHeaders);
    const said = { request, options: saidOptions({ header: (name) => fieldOf(rawHeaders, name) }) };
    known.set(head, said);
    return said;
  };

  return {
    take: (head, input, exchange, routes) => {
      if (draining.aborted || head.bodyBytes > limits.bodyBytes) return false;
      const caller = bearerCaller(head, trust);
      if (caller === null) return false;
      try {
        const { request, options } = known.get(head) ?? saidBy(head);
        void serve(head.name, {
          caller,
          method: head.method,
          target: head.target,
          request,
          options,
          input,
          exchange,
          routes,
        });
      } catch {
        // What the head says is not right: the routes say so.
        return false;
      }
      return true;
    },
    answer: (incoming, outgoing, routes) => {
      const plain = draining.aborted ? null : plainRequest(incoming);
      const caller = plain === null ? null : plainCaller(plain, incoming, trust);
      const length = caller === null ? null : smallLength(incoming);
      if (plain === null || caller === null || length === null) return routes(incoming, outgoing);
      const { rawHeaders } = incoming;
      const begin = (): void => {
        const exchange = { incoming, outgoing };
        try {
          const method = incoming.method!;
          const request = guestRequest(method, 'http', plain.authority, plain.target, rawHeaders);
          const input = bodyAtHand(incoming, limits.bodyBytes)!;
          const options = saidOptions({ header: (name) => fieldOf(rawHeaders, name) });
          void serve(plain.name, { caller, method, target: plain.target, request, options, input, exchange, routes });
        } catch (error) {
          handOver(incoming, { caller, identity: undefined, outcome: { error } });
          routes(incoming, outgoing);
        }
      };
      if (length === 0) return begin();
      // A body that came together with its header is here as soon as all that came has been read.
      void Promise.resolve().then(() => {
        if (incoming.readableLength === length) begin();
        else routes(incoming, outgoing);
      });
    },
  };
}
