import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileImage } from '../../../../runtime/wasi/filesystem/file-image.ts';
import { parsePath } from '../../../../runtime/wasi/filesystem/path.ts';
import { thrown } from '../backend.ts';

const path = suite('path');

for (const [text, names, directoryOnly] of [
  ['a', ['a'], false],
  ['a/b', ['a', 'b'], false],
  ['a//b/', ['a', 'b'], true],
  ['./a/./b', ['a', 'b'], false],
  ['.', [], true],
  ['a/.', ['a'], true],
  ['a/../b', ['a', '..', 'b'], false],
  ['..', ['..'], true],
  ['...', ['...'], false],
  ['a\\b', ['a\\b'], false],
  ['__proto__', ['__proto__'], false],
  ['n'.repeat(255), ['n'.repeat(255)], false],
] as const) {
  path(`${JSON.stringify(text.slice(0, 20))} is ${names.length} names`, () => {
    assert.equal(parsePath(text), { names, directoryOnly });
  });
}

for (const [text, code] of [
  ['', 'no-entry'],
  ['/', 'not-permitted'],
  ['/etc/passwd', 'not-permitted'],
  ['a\0b', 'invalid'],
  ['n'.repeat(256), 'name-too-long'],
  ['ü'.repeat(128), 'name-too-long'],
  ['a/'.repeat(2049), 'name-too-long'],
] as const) {
  path(`${JSON.stringify(text.slice(0, 20))} is refused with ${code}`, () => {
    assert.is(
      thrown(() => parsePath(text)),
      code,
    );
  });
}

for (const files of [['a', 'a'], ['a', 'a/b'], ['/a'], ['../a'], ['a/'], ['.'], [''], ['a\0']]) {
  path(`a package with the files ${JSON.stringify(files)} is refused`, () => {
    assert.throws(() => fileImage(files.map((name) => [name, new Uint8Array(0)])), TypeError);
  });
}

path.run();
