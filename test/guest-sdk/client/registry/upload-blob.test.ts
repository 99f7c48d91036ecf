import { Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fetchTransport,
  parseRegistryReference,
  pushPackage,
  type Transport,
} from '../../../../guest-sdk/client/index.ts';
import { uploadBlob } from '../../../../guest-sdk/client/registry/upload-blob.ts';
import { type Digest, digestOf, parseName, RegistryAccess } from '../../../../guest-sdk/protocol/index.ts';
import { TOKEN } from '../../../host/memory-engine.ts';
import { SeededRandom } from '../../../support/random.ts';
import { refused } from '../../../support/refusal.ts';
import { packageOf, RegistryLab } from '../../../support/registry-lab.ts';

const upload = suite('a blob that is uploaded');

const REFERENCE = parseRegistryReference('oci://localhost/fn');
const BYTES = new SeededRandom(9).bytes(3 * 2 ** 20);
const DIGEST = await digestOf(BYTES);
const credentials = `anybody:${TOKEN}`;
const PIECE = 16 * 1024;

let lab: RegistryLab;
upload.before(async () => {
  lab = await RegistryLab.open();
});
upload.before.each(() => release());
upload.after(() => lab.close());

function release(): void {
  try {
    lab.distribution.removeBlob(parseName('fn'), DIGEST);
  } catch {
    // It was not there.
  }
}

/** A way to the registry that counts what is sent of bodies, and breaks after `cuts` bytes of one, each once. */
function counting(
  cuts: number[] = [],
  instead: (method: string, path: string) => Response | undefined = () => undefined,
) {
  const told = { sent: 0, lines: [] as string[] };
  const send = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    const method = init.method ?? 'GET';
    told.lines.push(`${method} ${url.pathname.replace(/[0-9a-f-]{36}/, 'ID')}`);
    const answer = instead(method, url.pathname);
    if (answer !== undefined) return answer;
    const body = init.body as Uint8Array | undefined;
    const cut = body === undefined || body.length < PIECE ? undefined : cuts.shift();
    const { headers } = init as { headers: Record<string, string> };
    const { 'content-length': _, ...fields } = headers;
    const pieces = async function* () {
      for (let at = 0; at < body!.length; at += PIECE) {
        if (cut !== undefined && at >= cut) throw new TypeError('the connection broke');
        const piece = body!.subarray(at, at + PIECE);
        told.sent += piece.length;
        yield piece;
      }
    };
    const sent = body === undefined ? {} : { body: Readable.toWeb(Readable.from(pieces())) as ReadableStream };
    const response = await lab.askAnonymously(`${url.pathname}${url.search}`, {
      method,
      headers: cut === undefined ? headers : fields,
      ...sent,
    });
    if (cut !== undefined) throw new TypeError('the connection broke');
    return response;
  };
  return { told, transport: fetchTransport(send as typeof fetch) as Transport };
}

const accessOver = (transport: Transport, waits: number[] = []) =>
  new RegistryAccess(REFERENCE, { transport, credentials, wait: async (ms) => void waits.push(ms) }, 'pull,push');
const isThere = async (digest: Digest = DIGEST) =>
  (await lab.ask(`/v2/fn/blobs/${digest}`, { method: 'HEAD' })).status === 200;

upload('goes on behind each break: at most a twentieth goes twice', async () => {
  const waits: number[] = [];
  const { told, transport } = counting([1_000_000, 500_000, 700_000]);
  assert.is(await uploadBlob(accessOver(transport, waits), { digest: DIGEST, bytes: BYTES }), true);
  assert.ok(await isThere());
  assert.is(waits.length, 3);
  assert.ok(told.sent <= BYTES.length * 1.05, `${told.sent} of ${BYTES.length} bytes were sent`);
  assert.is(await uploadBlob(accessOver(transport), { digest: DIGEST, bytes: BYTES }), false);
});

upload('is gone on with by the next push, where that knows of it', async () => {
  const known = new Map<string, string>();
  const memory = {
    find: async (key: string) => known.get(key),
    set: async (key: string, at: string | undefined) =>
      void (at === undefined ? known.delete(key) : known.set(key, at)),
  };
  const gone = counting([2_000_000], (method, path) =>
    method === 'GET' && path.includes('/uploads/') ? new Response(null, { status: 503 }) : undefined,
  );
  const blob = { digest: DIGEST, bytes: BYTES, memory };
  await refused(() => uploadBlob(accessOver(gone.transport), blob), 'network-unavailable', /503/);
  assert.is(known.size, 1);
  const next = counting();
  assert.is(await uploadBlob(accessOver(next.transport), blob), true);
  assert.ok(gone.told.sent + next.told.sent <= BYTES.length * 1.05);
  assert.ok(!next.told.lines.some((line) => line.startsWith('POST')), next.told.lines.join());
  assert.equal([await isThere(), known.size], [true, 0]);
  // One that the registry has given up is begun anew.
  release();
  known.set('https://localhost/v2/fn/blobs/x', 'x');
  known.set(`http://localhost/v2/fn/blobs/${DIGEST}`, 'http://localhost/v2/fn/blobs/uploads/none');
  assert.is(await uploadBlob(accessOver(counting().transport), blob), true);
});

for (const [what, status, line] of [
  ['takes no parts', 405, 'PATCH'],
  ['cannot go on', 416, 'GET'],
] as const)
  upload(`is begun anew by a registry that ${what}`, async () => {
    const { told, transport } = counting(line === 'GET' ? [1_000_000] : [], (method, path) =>
      method === line && path.includes('/uploads/') ? new Response(null, { status }) : undefined,
    );
    assert.is(await uploadBlob(accessOver(transport), { digest: DIGEST, bytes: BYTES }), true);
    assert.ok(await isThere());
    assert.is(told.lines.filter((each) => each.startsWith('POST')).length, 2);
  });

upload('is not sent on to a registry that breaks off each time, or of which nothing is known', async () => {
  const waits: number[] = [];
  const never = counting(Array.from({ length: 50 }, () => 0));
  await refused(
    () => uploadBlob(accessOver(never.transport, waits), { digest: DIGEST, bytes: BYTES }),
    'network-unavailable',
    /./,
  );
  assert.is(waits.length, 5);
  const none = counting([], () => new Response(null, { status: 503 }));
  await refused(
    () => uploadBlob(accessOver(none.transport), { digest: DIGEST, bytes: BYTES }),
    'network-unavailable',
    /503/,
  );
  assert.is(none.told.lines.length, 1);
});

upload('is told of as it goes, with the package that it is of', async () => {
  const written = await packageOf({ files: [{ path: '/d', from: 'data' }] }, [['data/a', BYTES]]);
  const told: number[] = [];
  const onBytes = (done: number, total: number) => told.push(done / total);
  await pushPackage(REFERENCE, written, { transport: counting().transport, credentials, onBytes });
  assert.ok(told.every((each, at) => at === 0 || each >= told[at - 1]!) && told.at(-1) === 1, told.join());
});

upload.run();
