import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { negotiate, parseMediaType, requireMediaType } from '../../../host/http/media-type.ts';

const media = suite('media types');
const OFFERS = ['application/json', 'application/msgpack'] as const;

const accepts: readonly [accept: string | undefined, chosen: string | null][] = [
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/msgpack', 'application/msgpack'],
  ['APPLICATION/MSGPACK', 'application/msgpack'],
  ['application/msgpack, application/json', 'application/json'],
  ['application/msgpack, application/json;q=0.9', 'application/msgpack'],
  ['application/json;q=0.2, */*;q=0.8', 'application/msgpack'],
  ['application/json;q=0, */*', 'application/msgpack'],
  ['*/*;q=0', null],
  ['text/html', null],
  ['text/html, application/xhtml+xml, */*;q=0.1', 'application/json'],
  ['application/json;q=banana', null],
  ['application/json;q=7', 'application/json'],
  [',,;', null],
  ['application/json; profile="a b"', 'application/json'],
];
for (const [accept, chosen] of accepts) {
  media(`Accept ${JSON.stringify(accept)} chooses ${chosen ?? 'nothing'}`, () => {
    if (chosen === null)
      assert.throws(
        () => negotiate(accept, OFFERS),
        (error: { code: string }) => error.code === 'not-acceptable',
      );
    else assert.is(negotiate(accept, OFFERS), chosen);
  });
}

const contents: readonly [contentType: string | undefined, accepted: boolean][] = [
  ['application/json', true],
  ['Application/JSON; charset=UTF-8', true],
  ['application/json; charset="utf-8"', true],
  ['application/json; charset=latin1', false],
  ['text/json', false],
  ['application/json, text/html', false],
  ['__proto__/json', false],
  ['constructor', false],
  ['', false],
  [undefined, false],
];
for (const [contentType, accepted] of contents) {
  media(`Content-Type ${JSON.stringify(contentType)} is ${accepted ? 'JSON' : 'refused'}`, () => {
    const read = (): string => requireMediaType(contentType, { 'application/json': 'json' });
    if (accepted) assert.is(read(), 'json');
    else assert.throws(read, (error: { code: string }) => error.code === 'media-type-unsupported');
  });
}

media('parameters are read, quoted or not', () => {
  assert.equal([...(parseMediaType('multipart/form-data; boundary="a;b"; x=1')?.parameters ?? [])], []);
  assert.equal(
    [...parseMediaType('text/plain; Charset=utf-8; x="1 2"')!.parameters],
    [
      ['charset', 'utf-8'],
      ['x', '1 2'],
    ],
  );
});

media.run();
