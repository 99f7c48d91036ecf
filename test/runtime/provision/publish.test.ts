import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../../guest-sdk/build/compress-layer.ts';
import { type Digest, parseName, writePackage } from '../../../guest-sdk/protocol/index.ts';
import { ComponentCompiler } from '../../../runtime/component/index.ts';
import { FoundChunks } from '../../../runtime/provision/deployment/found-chunks.ts';
import { publishComponent } from '../../../runtime/provision/index.ts';
import { DataDir } from '../../../runtime/store/index.ts';
import { bodyOf } from '../../support/cloudlet-lab.ts';
import { guest } from '../../support/guest.ts';
import { SeededRandom } from '../../support/random.ts';

const publish = suite('publish');

const MIB = 1024 * 1024;
/** Length of the custom section that makes a component large: 4 MiB as a number of four bytes. */
const PADDING_BYTES = 4 * MIB;

/** A component with a section that nobody reads behind it, so that it is large, and another one for each `seed`. */
async function* padded(component: Uint8Array, seed: number): AsyncGenerator<Uint8Array> {
  yield component;
  yield Uint8Array.of(0, 0x80, 0x80, 0x80, 0x02, 1, 'x'.charCodeAt(0), seed);
  yield new Uint8Array(PADDING_BYTES - 3);
}

publish('who waits for the translations before holds no component in memory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-publish-'));
  const data = await DataDir.open(join(directory, 'data'));
  const compiler = new ComponentCompiler({ cacheDir: join(directory, 'cache') });
  const component = await readFile(await guest('typed'));
  const left = new AbortController();
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const held = async (): Promise<number> => {
    // Twice, with a turn between: what is freed in a turn's last moment is counted off in the next.
    collectGarbage();
    await nextTurn();
    collectGarbage();
    await nextTurn();
    return process.memoryUsage().arrayBuffers;
  };
  try {
    const before = await held();
    const count = 12;
    const waiting = Array.from({ length: count }, (_, n) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onProgress = ({ stage }: { stage: string }): void => void (stage === 'transpiling' && resolve());
      const options = { signal: left.signal, onProgress };
      const parts = { data, compiler, limitBytes: 64 * MIB };
      const ended = publishComponent(parts, parseName(`fn-${n}`), padded(component, n), options);
      ended.catch(reject);
      return { promise, ended };
    });
    await Promise.all(waiting.map(({ promise }) => promise));
    const heldBytes = (await held()) - before;
    assert.ok(heldBytes < (count / 2) * PADDING_BYTES, `${Math.round(heldBytes / MIB)} MiB for ${count} of 4 MiB`);
    left.abort();
    await Promise.allSettled(waiting.map(({ ended }) => ended));
  } finally {
    await compiler.close();
    data.close();
    await rm(directory, { recursive: true });
  }
});

publish('of a package whose last byte has come nothing long is read again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-publish-'));
  const data = await DataDir.open(join(directory, 'data'));
  const compiler = new ComponentCompiler({ cacheDir: join(directory, 'cache') });
  try {
    const files = [['data/long', new SeededRandom(1).bytes(3 * MIB)] as const];
    const grant = { files: [{ path: '/data', from: 'data' }] };
    const component = await readFile(await guest('reader'));
    const { pieces, blobs } = await writePackage({ component, grant, files, compress: compressLayer });
    const layer = [...blobs].find(([, { length }]) => length > 2 * MIB)![0];
    const opened: Digest[] = [];
    const open = data.blobs.open.bind(data.blobs);
    data.blobs.open = (digest) => {
      opened.push(digest);
      return open(digest);
    };
    const found = new FoundChunks();
    const options = { chunks: found };
    const parts = { data, compiler, limitBytes: 64 * MIB };
    const { created } = await publishComponent(parts, parseName('reader'), bodyOf(Buffer.concat(pieces)), options);
    assert.ok(created);
    // Neither for its files nor for its chunks.
    assert.not(opened.includes(layer));
    assert.ok(found.of(layer)!.length > 10);
    for (const blob of blobs.keys()) assert.ok(found.of(blob) !== undefined, blob);
  } finally {
    await compiler.close();
    data.close();
    await rm(directory, { recursive: true });
  }
});

publish.run();
