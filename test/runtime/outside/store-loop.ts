/**
 * Run by the kill test: changes the stores of the data directory named first until it is killed, repeatably for the seed named second.
 * Says before and after each change what it does, one JSON text a line.
 */
import { createHash } from 'node:crypto';
import { blobsOver } from '../../../runtime/agent/outside/blobs.ts';
import { keyValueOver } from '../../../runtime/agent/outside/keyvalue.ts';
import { Stores } from '../../../runtime/outside/stores.ts';
import { DirectOutside } from '../../support/direct-outside.ts';
import { SeededRandom } from '../../support/random.ts';
import { sayLine } from '../../support/say-line.ts';
import { putObject } from './store-lab.ts';

const [path, seed] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));

const stores = await Stores.open(path!, { isFunction: () => true });
const grant = { functionName: 'notes', quotaBytes: 1e9 };
const outside = new DirectOutside({ ...stores.keyValueServices(grant), ...stores.blobServices(grant) });
const [keyValue, blobs] = [keyValueOver(outside), blobsOver(outside)];
if ((await blobs.container('box')) === undefined) await blobs.createContainer('box');
await sayLine({ open: true });
for (;;) {
  const name = random.pick(['a', 'b', 'c']);
  const [kind, removes] = [random.pick(['key', 'object']), random.below(4) === 0];
  // Few and equal bytes, so that objects share blobs and let go of them.
  const bytes = Buffer.alloc(random.pick([0, 10, 70_000]), random.below(3));
  const becomes = removes ? null : createHash('sha256').update(bytes).digest('hex');
  await sayLine({ begin: `${kind} ${name}`, becomes });
  if (kind === 'key' && removes) await keyValue.delete('default', [name]);
  else if (kind === 'key') await keyValue.set('default', [[name, bytes]]);
  else if (removes) await blobs.deleteObjects('box', [name]);
  else await putObject(blobs, 'box', name, bytes);
  await sayLine({ end: `${kind} ${name}`, becomes });
}
