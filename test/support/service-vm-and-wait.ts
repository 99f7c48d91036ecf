/**
 * Runs a service VM with a raw port in this process, says which, and waits to be killed:
 *
 *     node service-vm-and-wait.ts DIRECTORY_OF_IMAGES DIGEST
 */

import * as v from 'valibot';
import { parseDigest, parseName, ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import { chooseAccelerator, computerConditions } from '../../runtime/machine/index.ts';
import { Services } from '../../runtime/service/index.ts';
import { VmImageStore } from '../../runtime/vm/image/index.ts';
import { cloneVm } from '../../runtime/vms.ts';
import { memoryRecords } from './fake-vm.ts';
import { TEST_CACHE } from './microvm-lab.ts';

const [directory, digest] = process.argv.slice(2) as [string, string];
const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
const store = await VmImageStore.open({
  directory,
  budgetBytes: 2 ** 40,
  computer: async () => computerConditions(accelerator),
});
const services = new Services({
  records: memoryRecords(),
  world: {
    hold: (wanted, signal) => store.hold(wanted, signal),
    restore: (image, options) => cloneVm(image, accelerator, options),
  },
  policy: { http: 'none', privateNetworks: [] },
});
const name = parseName('killed');
const image = parseDigest(digest);
const held = await store.find(image);
services.put(name, image, v.parse(ServiceSpec, held!.service));
const { vm } = await services.start(name, { mode: 'join', port: true }, { user: 'owner' });
process.stdout.write(`${JSON.stringify({ pid: vm.pid, port: vm.port })}\n`);
setInterval(() => undefined, 1000);
