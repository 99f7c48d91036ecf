import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Context } from '../../../../runtime/wasi/context.ts';
import { declaredLength, type FieldEntry } from '../../../../runtime/wasi/http/field.ts';
import { Fields } from '../../../../runtime/wasi/http/fields.ts';
import { createWasi } from '../../../../runtime/wasi/index.ts';
import { backend, text, thrown, utf8 } from '../backend.ts';

const fields = suite('fields');
const X = utf8('x');
const context = () => new Context(backend());
const shown = (of: Fields) => of.entries().map(([name, value]) => `${name}: ${text(value)}`);

fields('names are compared without case and kept as written, in order', () => {
  const of = Fields.fromList(context(), [
    ['Accept', utf8('a')],
    ['x', utf8('1')],
    ['ACCEPT', utf8('b')],
  ]);
  assert.equal(shown(of), ['Accept: a', 'x: 1', 'ACCEPT: b']);
  assert.equal(of.get('accept').map(text), ['a', 'b']);
  assert.ok(of.has('aCCept'));
  of.set('accept', [utf8('c'), utf8('d')]);
  assert.equal(shown(of), ['x: 1', 'accept: c', 'accept: d']);
  of.delete('X');
  of.set('accept', []);
  assert.equal(shown(of), []);
});

for (const name of ['', 'a b', 'a:', 'ä', 'a\n', 'a\0', '(a)']) {
  fields(`the name ${JSON.stringify(name)} is refused`, () => {
    const of = Fields.empty(context());
    for (const act of [
      () => of.append(name, X),
      () => of.set(name, [X]),
      () => of.delete(name),
      () => Fields.fromList(context(), [[name, X]]),
    ])
      assert.equal(thrown(act), { tag: 'invalid-syntax' });
    assert.equal(of.get(name), []);
    assert.not.ok(of.has(name));
  });
}

for (const value of ['a\r\nset-cookie: b', 'a\nb', 'a\rb', 'a\0b', '\x7f', '\x01']) {
  fields(`the value ${JSON.stringify(value)} is refused`, () => {
    const of = Fields.fromList(context(), [['a', X]]);
    assert.equal(
      thrown(() => of.append('a', utf8(value))),
      { tag: 'invalid-syntax' },
    );
    assert.equal(
      thrown(() => of.set('a', [X, utf8(value)])),
      { tag: 'invalid-syntax' },
    );
    assert.equal(shown(of), ['a: x']);
  });
}

fields('tabs, spaces and bytes beyond ASCII may stand in a value', () => {
  const of = Fields.empty(context());
  of.append('a', Uint8Array.of(0x20, 0x09, 0xff, 0x7e));
  assert.is(of.get('a')[0]!.length, 4);
});

for (const name of ['Connection', 'transfer-encoding', 'host', 'Keep-Alive', 'upgrade', 'proxy-connection', 'TE']) {
  fields(`${name} belongs to the connection and is forbidden`, () => {
    assert.equal(
      thrown(() => Fields.empty(context()).append(name, X)),
      { tag: 'forbidden' },
    );
  });
}

fields('what a peer sent is immutable, without the fields of the connection; its clone can be changed', () => {
  const received = Fields.received(context(), [
    ['Host', X],
    ['connection', utf8('close')],
    ['accept', X],
  ]);
  assert.equal(shown(received), ['accept: x']);
  for (const act of [
    () => received.append('a', X),
    () => received.set('accept', []),
    () => received.delete('accept'),
    () => received.append('a b', X),
  ])
    assert.equal(thrown(act), { tag: 'immutable' });
  const clone = received.clone();
  clone.append('a', X);
  assert.equal([shown(clone).length, shown(received).length], [2, 1]);
  assert.equal(
    thrown(() => clone.frozen().delete('a')),
    { tag: 'immutable' },
  );
});

fields('32,769 fields, or 64 KiB of them, are an error and no more', () => {
  const many: FieldEntry[] = Array.from({ length: 32_769 }, () => ['x', X]);
  const of = context();
  assert.equal(
    thrown(() => Fields.fromList(of, many)),
    { tag: 'forbidden' },
  );
  assert.is(of.handles, 0);
  const fields = Fields.fromList(of, many.slice(0, 256));
  for (const act of [
    () => fields.append('y', X),
    () => fields.set('y', [X]),
    () =>
      fields.set(
        'x',
        Array.from({ length: 257 }, () => X),
      ),
    () => Fields.fromList(of, [['x', new Uint8Array(64 * 1024).fill(0x61)]]),
  ])
    assert.equal(thrown(act), { tag: 'forbidden' });
  assert.is(fields.entries().length, 256);
  fields.delete('x');
  fields.append('x', new Uint8Array(64 * 1024 - 1).fill(0x61));
});

fields('a guest makes them with the constructor and the function that the glue calls', () => {
  const wasi = createWasi(backend());
  const Guest = wasi.imports['wasi:http/types']!['Fields'] as { new (): Fields; fromList(list: FieldEntry[]): Fields };
  assert.instance(new Guest(), Fields);
  assert.ok(Guest.fromList([['a', X]]) instanceof Guest);
  assert.is(wasi.handles, 2);
});

for (const [values, length] of [
  [[], null],
  [['0'], 0],
  [['12', '12'], 12],
  [['12', '13'], undefined],
  [['-1'], undefined],
  [['1e3'], undefined],
  [['0x10'], undefined],
  [[' 1'], undefined],
  [[''], undefined],
  [['99999999999999999999999'], undefined],
] as const) {
  fields(`content-length ${JSON.stringify(values)} declares ${length}`, () => {
    assert.is(declaredLength(values.map((value): FieldEntry => ['Content-Length', utf8(value)])), length);
  });
}

fields.run();
