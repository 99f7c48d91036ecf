// time limit: 900 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRecipe } from '../../guest-sdk/protocol/index.ts';
import { chooseAccelerator } from '../../runtime/machine/index.ts';
import { startServer } from '../../runtime/provision/recipe/serve.ts';
import { openWorkshop } from '../../runtime/provision/recipe/vm-workshop.ts';
import { systemClock } from '../../runtime/sandbox/clock.ts';
import { outputOf, restoreImage, testBase, testImages } from '../support/base-vm.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';

const aside = suite('memory that a server does not need to answer');

const PAGES = 6144;
const KIB = (PAGES * 4096) / 1024;

/** Has 24 MiB of which no page is as another; says their sum when it is asked for it, and else that it is there. */
const SERVER = String.raw`exec perl -MSocket -e '
  $SIG{PIPE} = "IGNORE";
  my $data = join "", map { pack("L", $_) x 1024 } 1 .. ${PAGES};
  socket(my $door, PF_INET, SOCK_STREAM, 0);
  bind($door, sockaddr_in(8080, INADDR_LOOPBACK)) && listen($door, 8) or die;
  while (accept(my $caller, $door)) {
    sysread($caller, my $request, 65536);
    my $says = $request =~ m{^GET /sum } ? unpack("%32L*", $data) : "here";
    syswrite($caller, "HTTP/1.0 200 OK\r\nContent-Length: " . length($says) . "\r\n\r\n$says");
  }'`;
const SUM = ((1024 * PAGES * (PAGES + 1)) / 2) % 2 ** 32;

const SWAPPED = `awk '/^VmSwap/ { sum += $2 } END { print sum }' /proc/[0-9]*/status`;
const CACHED = `awk '/^SwapCached/ { print $2 }' /proc/meminfo`;
const ASK = 'busybox wget -Y off -qO- http://127.0.0.1:8080';

aside('is on the disk of a saved VM, and comes from there when it is read', async () => {
  const [base, images] = [await testBase(), await testImages()];
  const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
  const service = { run: SERVER, port: 8080, probe: { text: 'here' }, readyMs: 180_000 };
  const recipe = parseRecipe({ script: ':', service });
  const { signal } = new AbortController();
  const workshop = await openWorkshop({ images, accelerator }, base, 256 * 2 ** 20, signal);
  try {
    const { vm } = workshop;
    const context = { relay: vm.relay, say: () => undefined, clock: systemClock, signal };
    await startServer(vm, recipe.service, context, () => undefined);
    const said: Uint8Array[] = [];
    await vm.relay.run({ command: CACHED, output: (bytes) => void said.push(bytes) });
    const twice = Number(Buffer.concat(said).toString());
    assert.ok(twice < KIB / 8, `${twice} KiB are in memory, too`);
    const about = 'a server with data';
    const image = await workshop.save({ key: 'a'.repeat(64), about, service: recipe.service }, signal);
    const clone = await restoreImage(image);
    try {
      const swapped = async () => Number(await outputOf(clone, SWAPPED));
      const before = await swapped();
      assert.ok(before >= KIB, `${before} KiB`);
      assert.is(await outputOf(clone, `${ASK}/`), 'here');
      const asked = await swapped();
      assert.ok(asked >= KIB, `${asked} KiB`);
      // It comes back by itself, too.
      await outputOf(clone, `until [ $(${CACHED}) -ge ${KIB} ]; do sleep 0.1; done`);
      assert.is(await outputOf(clone, `${ASK}/sum`), String(SUM));
      const read = await swapped();
      assert.ok(read <= before - KIB, `${read} KiB`);
    } finally {
      await clone.close();
      await images.remove(image.digest);
    }
  } finally {
    await workshop.close();
  }
});

aside.run();
