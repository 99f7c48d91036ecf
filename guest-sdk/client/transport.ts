/** How a request gets to a cloudlet and its answer back: the one thing that differs between a browser, a phone and Node. */
export {
  type BodySource,
  readWhole,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../protocol/index.ts';
