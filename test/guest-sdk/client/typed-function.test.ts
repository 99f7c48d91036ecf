import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type InvokeOptions, type Result, typedFunction } from '../../../guest-sdk/client/index.ts';

const typed = suite('a typed function');

interface Photo {
  thumbnail(
    image: Uint8Array,
    size: { readonly maxWidth: number; readonly keep?: boolean | undefined },
    options?: InvokeOptions,
  ): Promise<Result<Uint8Array, string>>;
  count(options?: InvokeOptions): Promise<bigint>;
  forget(): Promise<void>;
}

const EXPORTS = {
  thumbnail: {
    target: 'images.thumbnail',
    params: [
      { name: 'image', type: 'list<u8>' },
      { name: 'size', type: 'record { max-width: u32, keep: option<bool> }' },
    ],
    result: 'result<list<u8>, string>',
  },
  count: { target: 'count', params: [], result: 'u64' },
  forget: { target: 'forget', params: [], result: null },
};

/** A client whose function answers what it is told, and remembers what it was asked. */
function answering(answer: unknown) {
  const asked: unknown[] = [];
  const photo = typedFunction<Photo>(
    {
      call: async (...words) => {
        asked.push(words);
        return answer;
      },
    },
    'photo',
    EXPORTS,
  );
  return { photo, asked };
}

typed('sends values as the contract has them, and gives those of the bindings', async () => {
  const { photo, asked } = answering({ ok: 'AQID' });
  const answer = await photo.thumbnail(new Uint8Array([255]), { maxWidth: 7 }, { deadlineMs: 5 });
  assert.equal(answer, { tag: 'ok', val: new Uint8Array([1, 2, 3]) });
  assert.equal(asked, [['photo', 'images.thumbnail', ['/w==', { 'max-width': 7, keep: null }], { deadlineMs: 5 }]]);
});

typed('keeps every digit of 64-bit integers', async () => {
  assert.is(await answering('18446744073709551615').photo.count(), 18446744073709551615n);
  assert.is(await answering(7).photo.count(), 7n);
});

typed('gives nothing for a function without a result', async () => {
  assert.is(await answering(null).photo.forget(), undefined);
});

typed('refuses an argument that does not fit before it is sent, by its name', async () => {
  const { photo, asked } = answering(null);
  const message = await photo
    .thumbnail(new Uint8Array(), { maxWidth: -1 })
    .then(String, (error: Error) => error.message);
  assert.match(message, /^size\.max-width: expected u32, got -1/);
  assert.equal(asked, []);
});

typed('says that another version is there when the answer does not fit', async () => {
  const message = await answering('AQID')
    .photo.thumbnail(new Uint8Array(), { maxWidth: 1 })
    .then(String, (error: Error) => error.message);
  assert.match(message, /images\.thumbnail .*run cloudlet types again/);
});

typed.run();
