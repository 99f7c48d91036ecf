import config from 'wasi:config/store@0.2.0-rc.1';
import atomics from 'wasi:keyvalue/atomics@0.2.0-draft2';
import store, { type Bucket } from 'wasi:keyvalue/store@0.2.0-draft2';
import { type HttpFunction, Response } from 'cloudlet/guest';

/** How much one POST adds: what `configuration` in cloudlet.json says. */
const step = () => Number(config.get('step') ?? 1);

/** What a key counts; nothing when it was never counted. */
function countOf(bucket: Bucket, key: string): number {
  const value = bucket.get(key);
  return value == null ? 0 : Number(new TextDecoder().decode(Uint8Array.from(value)));
}

/** All keys, page by page, with what they count. */
function counts(bucket: Bucket): Record<string, number> {
  const found: Record<string, number> = {};
  let cursor: string | null = null;
  do {
    const page = bucket.listKeys(cursor);
    for (const key of page.keys) found[key] = countOf(bucket, key);
    cursor = page.cursor ?? null;
  } while (cursor !== null);
  return found;
}

const counter: HttpFunction = {
  async fetch({ method, url }) {
    const key = new URL(url).pathname.slice(1);
    const bucket = store.open('default');
    if (key === '') return Response.json(counts(bucket));
    switch (method) {
      case 'GET':
        return new Response(`${countOf(bucket, key)}\n`);
      case 'POST':
        console.error(`counting ${key}`);
        return new Response(`${atomics.increment(bucket, key, step())}\n`);
      case 'DELETE':
        bucket.delete(key);
        return new Response(null, { status: 204 });
      default:
        return new Response('expected GET, POST or DELETE\n', { status: 405, headers: { allow: 'GET, POST, DELETE' } });
    }
  },
};

export default counter;
