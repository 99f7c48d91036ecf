/**
 * A host in the middle of a synthesis: its VM runs, and the last segment never comes. Arguments: the folder of saved VMs, an overlay file. Says the VM's
 * process id.
 */
import { join } from 'node:path';
import type { Digest } from '../../guest-sdk/protocol/index.ts';
import { computerConditions } from '../../runtime/machine/index.ts';
import { openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import { synthesize } from '../../runtime/provision/overlay/synthesis/synthesize.ts';
import { VmImageStore } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { tinyShape } from './vm-lab.ts';

const [folder = '', path = ''] = process.argv.slice(2);
const { accelerator } = await tinyShape();
const images = await VmImageStore.open({
  directory: join(folder, 'vm', 'images'),
  budgetBytes: 2 ** 40,
  computer: async () => computerConditions(accelerator),
});
const file = await openOverlayFile(path);
const last = file.overlay.manifest.segments.at(-1)!.digest;
const parts = { get: (digest: Digest) => (digest === last ? new Promise<never>(() => undefined) : file.get(digest)) };
const { vm } = await synthesize({
  ...{ overlay: file.overlay, images, parts, accelerator, id: 'a-test', restore: restoreVm },
  signal: new AbortController().signal,
});
process.stdout.write(`${vm.pid}\n`);
setInterval(() => undefined, 60_000);
