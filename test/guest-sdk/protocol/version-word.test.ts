import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseVersionWord, versionOfWord } from '../../../guest-sdk/protocol/index.ts';

const words = suite('a word for a version');
const photo = {
  name: 'photo',
  versions: [
    { version: 4, digest: 'sha256:abcdef00' },
    { version: 3, digest: 'sha256:12345678' },
    { version: 2, digest: 'sha256:abcdef11' },
    { version: 1, digest: 'sha256:12345678' },
  ],
};

for (const [text, version] of [
  ['2', 2],
  ['9', 9],
  ['123456', 123456],
  ['sha256:123456', 3],
  ['abcdef1', 2],
  ['sha256:abcdef00', 4],
] as const)
  words(`${text} is version ${version}`, () => {
    assert.is(versionOfWord(photo, parseVersionWord(text)), version);
  });

for (const [text, sentence] of [
  ['', /expected a version, such as 1, or the beginning of its digest/],
  ['0', /got "0"/],
  ['abcde', /got "abcde"/],
  ['ABCDEF', /got "ABCDEF"/],
  ['sha256:', /got "sha256:"/],
  ['sha256:xyz', /got/],
  ['abcdef', /sha256:abcdef begins several versions of "photo": 4 sha256:abcdef00, 2 sha256:abcdef11/],
  ['ffffff', /beginning of a digest of "photo" \(4 .*\), got sha256:ffffff/],
] as const)
  words(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => versionOfWord(photo, parseVersionWord(text)),
      (error: Error) => sentence.test(error.message),
    );
  });

words.run();
