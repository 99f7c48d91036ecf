/**
 * A host that only advertises, as a program: `advertising-host.ts ID NAME PORT`. Prints its name once it has been announced, and
 * again when it had to take another one; says goodbye and ends when its standard input ends.
 */
import { advertise } from '../../../host/discovery/index.ts';

const [id = '', name = '', port = ''] = process.argv.slice(2);
const advertising = advertise({
  facts: { id, version: '0.1.0', path: '/v1', publicKey: null, tls: false, auth: 'token' },
  name,
  port: Number(port),
  bind: '0.0.0.0',
  onAnnounced: (event) => process.stdout.write(`${event.name} on ${event.network.interface}\n`),
  onTrouble: (sentence) => process.stdout.write(`trouble: ${sentence}\n`),
});
process.stdin.resume().on('end', () => void advertising.close());
