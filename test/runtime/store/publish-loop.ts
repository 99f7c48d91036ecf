/**
 * Run by the kill tests: changes the registry of the data directory named first until it is killed, repeatably for the seed named second.
 * Says before and after each change what it does, one JSON text a line.
 */
import { parseName } from '../../../guest-sdk/protocol/index.ts';
import { DataDir } from '../../../runtime/store/index.ts';
import { SeededRandom } from '../../support/random.ts';
import { sayLine } from '../../support/say-line.ts';

const [path, seed] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));
const names = ['photo', 'hello', 'typed'].map(parseName);

async function* inParts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384);
}

const { blobs, registry } = await DataDir.open(path!);
await sayLine({ open: true });
for (;;) {
  const name = random.pick(names);
  const known = registry.list().find((entry) => entry.name === name);
  const change =
    known === undefined || known.versions.length < 2
      ? 'publish'
      : known.versions.length > 6
        ? 'remove'
        : random.below(4) === 0
          ? 'rollback'
          : 'publish';
  await sayLine({ begin: name, change });
  if (change === 'remove') registry.remove(name);
  else if (change === 'rollback') registry.rollback(name, random.pick(known!.versions).version);
  else {
    const blob = await blobs.write(inParts(random.bytes(random.below(100_000))), { limitBytes: 100_000 });
    registry.publish(name, { digest: blob.digest, sizeBytes: blob.sizeBytes, description: `about ${blob.digest}` });
    blob.release();
  }
  const after = registry.list().find((entry) => entry.name === name);
  await sayLine({
    end: name,
    current: after?.current ?? 0,
    versions: after?.versions.map((version) => version.version) ?? [],
  });
  if (random.below(5) === 0) await blobs.gc((digest) => registry.inUse(digest));
}
