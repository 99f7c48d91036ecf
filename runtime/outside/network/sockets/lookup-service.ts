import type { OutsideService } from '../../outside-service.ts';
import { within } from '../dialer.ts';
import { SocketArgs } from './socket-args.ts';
import type { SocketGate } from './socket-gate.ts';
import { asSocketRefusal } from './socket-refusal.ts';

/** The service `dns.resolve`: the addresses of a name that the function may reach. */
export function dnsResolve(gate: SocketGate, timeoutMs: number): OutsideService {
  return async ({ args, signal }) => {
    try {
      const name = new SocketArgs(args).text('name');
      return { value: await within(timeoutMs, signal, (limited) => gate.resolve(name, limited)) };
    } catch (error) {
      throw asSocketRefusal(error);
    }
  };
}
