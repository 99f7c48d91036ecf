/** Looks for cloudlets for some time and prints what it found as JSON: `find.ts MILLISECONDS`. */
import { discover } from '../../../guest-sdk/client/mdns.ts';

process.stdout.write(JSON.stringify(await discover({ timeoutMs: Number(process.argv[2]) })));
