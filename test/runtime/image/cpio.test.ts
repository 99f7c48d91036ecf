import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CpioEntry, writeCpio } from '../../../runtime/image/cpio.ts';

const ENTRIES: readonly CpioEntry[] = [
  { kind: 'directory', path: 'bin' },
  { kind: 'file', path: 'bin/tool', mode: 0o755, bytes: Buffer.from('#!/bin/sh\n') },
  { kind: 'file', path: 'empty', mode: 0o644, bytes: new Uint8Array() },
  { kind: 'character-device', path: 'console', mode: 0o600, major: 5, minor: 1 },
];

const cpio = suite('a cpio archive');

cpio('has the same bytes for the same entries, in whole sectors', () => {
  const archive = writeCpio(ENTRIES);
  assert.equal(archive, writeCpio(ENTRIES));
  assert.is(archive.length % 512, 0);
});

cpio('writes the newc header of a file, field by field', () => {
  const archive = writeCpio([{ kind: 'file', path: 'a', mode: 0o640, bytes: Buffer.from('xyz') }]).toString('latin1');
  const header = archive.slice(0, 110);
  const field = (index: number) => Number.parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
  assert.is(header.slice(0, 6), '070701');
  assert.is(field(1), 0o100640);
  assert.is(field(6), 3);
  assert.is(field(11), 2);
  assert.is(archive.slice(110, 112), 'a\0');
  assert.is(archive.slice(112, 115), 'xyz');
  assert.ok(archive.includes('TRAILER!!!'));
});

cpio.run();
