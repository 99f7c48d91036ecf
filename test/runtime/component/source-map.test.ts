import { deflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogLine } from '../../../guest-sdk/protocol/index.ts';
import { withCustomSection } from '../../../runtime/component/binary/custom-section.ts';
import { skeletonOf } from '../../../runtime/component/skeleton.ts';
import {
  hasPosition,
  readStackMap,
  SOURCE_MAP_SECTION,
  withoutSourceMap,
  withSourceMap,
} from '../../../runtime/component/source-map.ts';
import { mappedLines, StackMaps } from '../../../runtime/function/mapped-lines.ts';

const COMPONENT = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
/** Line 2, column 5 of the program is line 4, column 3 of src/f.ts. */
const MAP = JSON.stringify({ version: 3, sources: ['src/f.ts'], names: [], mappings: ';IAGE' });

const map = suite('a stack map');

for (const [text, mapped] of [
  ['    at f (componentize-qjs:user.js:2:5)', '    at f (src/f.ts:4:3)'],
  ['f@function.js:2:9\ng@function.js:2:6', 'f@src/f.ts:4:3\ng@src/f.ts:4:3'],
  ['(new RangeError("no", "function.js", 2))', '(new RangeError("no", "src/f.ts", 4))'],
  ['    at f (componentize-qjs:user.js:1:1)', '    at f (componentize-qjs:user.js:1:1)'],
  ['    at f (componentize-qjs:user.js:9999999:9999999)', '    at f (componentize-qjs:user.js:9999999:9999999)'],
  ['my-function.js:2:5 is no program', 'my-src/f.ts:4:3 is no program'],
  ['nothing', 'nothing'],
] as const)
  map(`makes ${JSON.stringify(mapped)}`, () => assert.is(readStackMap(withSourceMap(COMPONENT, MAP))?.(text), mapped));

map('travels in the component, which is otherwise the same', () => {
  const component = withSourceMap(COMPONENT, MAP);
  assert.equal(withoutSourceMap(component), COMPONENT);
  assert.is(skeletonOf(component).key, skeletonOf(COMPONENT).key);
});

for (const [what, component] of [
  ['has none', COMPONENT],
  ['has one that is no deflated text', withCustomSection(COMPONENT, SOURCE_MAP_SECTION, Uint8Array.of(1, 2, 3))],
  ['has one that is no JSON', withSourceMap(COMPONENT, '{')],
  ['has one of another form', withSourceMap(COMPONENT, '{"version":2}')],
  [
    'has one that grows beyond what is read',
    withCustomSection(COMPONENT, SOURCE_MAP_SECTION, deflateRawSync(Buffer.alloc(40 << 20))),
  ],
  ['is torn', COMPONENT.subarray(0, 5)],
] as const)
  map(`is null when the component ${what}`, () => assert.is(readStackMap(component), null));

map('is asked for only where a line may have a position', async () => {
  const line = (text: string, version: number): LogLine => ({
    at: '',
    seq: 1,
    version,
    stream: 'stderr',
    invocation: '',
    text,
  });
  const asked: number[] = [];
  async function* lines() {
    yield line('at componentize-qjs:user.js:2:5', 1);
    yield line('plain', 2);
    yield line('at componentize-qjs:user.js:2:5', 3);
  }
  const shown: string[] = [];
  const found = readStackMap(withSourceMap(COMPONENT, MAP));
  const find = async (version: number) => {
    asked.push(version);
    return version === 1 ? found : null;
  };
  for await (const { text } of mappedLines(lines(), find)) shown.push(text);
  assert.equal(shown, ['at src/f.ts:4:3', 'plain', 'at componentize-qjs:user.js:2:5']);
  assert.equal(asked, [1, 3]);
  assert.is(hasPosition('a.js'), false);
});

map('is kept for the last few components, and one that cannot be read is none', async () => {
  const maps = new StackMaps();
  let reads = 0;
  const read = async () => {
    reads += 1;
    return null;
  };
  for (const digest of ['a', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'i', 'a']) await maps.of(digest, read);
  assert.is(reads, 10);
  assert.is(await maps.of('broken', () => Promise.reject(new Error('gone'))), null);
});

map.run();
