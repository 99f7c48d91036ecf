import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSplitWords } from '../../../../host/cli/versions/split-words.ts';
import { parseVersionedName } from '../../../../host/cli/versions/versioned-name.ts';

const words = suite('the words of split');
const LIST = {
  name: 'photo',
  versions: [3, 2, 1].map((version) => ({
    version,
    digest: `sha256:${version}abcde0${version}`,
    current: version === 3,
  })),
};

for (const [given, shares] of [
  [['1=90', '2=10'], '1=90 2=10'],
  [['2=10'], '3=90 2=10'],
  [['2=10%', '1=5'], '3=85 2=10 1=5'],
  [['3=100'], '3=100'],
  [['2abcde=10', 'sha256:1=20'], '3=70 2=10 1=20'],
  [['2=100'], '2=100'],
  [['2=0', '3=100'], '2=0 3=100'],
] as const)
  words(`${given.join(' ')}, with 3 the current one: ${shares}`, () => {
    const { versions } = parseSplitWords(given, LIST);
    assert.is(versions.map(({ version, percent }) => `${version}=${percent}`).join(' '), shares);
  });

for (const [given, sticky, sentence] of [
  [['2'], undefined, /expected VERSION=PERCENT, such as 2=10, got "2"/],
  [['2=-1'], undefined, /expected VERSION=PERCENT/],
  [['x=10'], undefined, /expected a version, such as 1, or the beginning of its digest, .* got "x"/],
  [['abcdef=10'], undefined, /beginning of a digest of "photo" \(3 sha256:3abcde03, .*\), got sha256:abcdef/],
  [['2=60', '1=60'], undefined, /100 together, got 120/],
  [['3=50', '1=10'], undefined, /100 together, got 60/],
  [['2=5', '2=5'], undefined, /each version once, got 2 twice/],
  [['2=10'], 'cookie:', /--sticky header:NAME or cookie:NAME, got "cookie:"/],
] as const)
  words(`${given.join(' ')} ${sticky ?? ''} is refused`, () => {
    assert.throws(
      () => parseSplitWords(given, LIST, sticky),
      (error: Error) => sentence.test(error.message),
    );
  });

words('a word alone is the name of a header', () => {
  assert.is(parseSplitWords(['2=10'], LIST, 'x-user').sticky, 'header:x-user');
  assert.is(parseSplitWords(['2=10'], LIST, 'cookie:uid').sticky, 'cookie:uid');
});

words('NAME@VERSION names one version', () => {
  assert.equal(parseVersionedName('photo'), { name: 'photo', version: undefined });
  assert.equal(parseVersionedName('photo@12'), { name: 'photo', version: '12' });
  for (const text of ['photo@', 'photo@0', 'photo@x', '@1'])
    assert.throws(() => parseVersionedName(text), /expected/, text);
});

words.run();
