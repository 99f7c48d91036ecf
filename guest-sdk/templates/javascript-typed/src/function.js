// The functions of wit/world.wit, in camel case.

export function countWords(text) {
  const counts = new Map();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

// What is thrown becomes the error of the result.
export function nthWord(text, n) {
  const words = wordsOf(text);
  const word = words[n - 1];
  if (word === undefined) throw new Error(`there are ${words.length} words, not ${n}`);
  return word;
}

function wordsOf(text) {
  return text
    .toLowerCase()
    .split(/[\s\d.,:;!?()"]+/)
    .filter((word) => word !== '');
}
