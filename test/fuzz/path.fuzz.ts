import * as assert from 'uvu/assert';
import { MAX_NAME_BYTES, MAX_PATH_BYTES, parsePath } from '../../runtime/wasi/filesystem/path.ts';
import type { SeededRandom } from '../support/random.ts';

const PARTS = [
  'a',
  'b',
  '.',
  '..',
  '',
  '/',
  '//',
  '\0',
  'ü',
  '😀',
  '\ud800',
  '__proto__',
  'n'.repeat(255),
  'n'.repeat(256),
];
const CODES = ['no-entry', 'invalid', 'not-permitted', 'name-too-long'];

/** A path is refused with one of four codes, or cut into names from which it can be written again. */
export default function path(random: SeededRandom): void {
  const pieces = Array.from({ length: random.below(random.pick([3, 8, 40])) }, () => random.pick(PARTS));
  const text = pieces.join(random.pick(['/', '', '//']));
  let parsed: ReturnType<typeof parsePath>;
  try {
    parsed = parsePath(text);
  } catch (code) {
    assert.ok(CODES.includes(code as string), String(code));
    return;
  }
  assert.not.ok(text.startsWith('/') || text.includes('\0') || text === '');
  assert.ok(Buffer.byteLength(text) <= MAX_PATH_BYTES);
  for (const name of parsed.names) {
    assert.ok(name !== '' && name !== '.' && !name.includes('/'));
    assert.ok(Buffer.byteLength(name) <= MAX_NAME_BYTES);
  }
  const again = parsed.names.join('/') + (parsed.directoryOnly ? '/.' : '');
  if (parsed.names.length > 0) assert.equal(parsePath(again), parsed);
}
