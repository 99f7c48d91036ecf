let calls = 0;

export async function greet(name) {
  await Promise.resolve();
  return `hello, ${name}!`;
}

export async function count() {
  calls += 1;
  return calls;
}

export function add(a, b) {
  return (a + b) | 0;
}

export async function shift(points, by) {
  await Promise.resolve();
  if (by === 0) throw 'by nothing';
  return points.map(({ x, label }) => ({ x: x + by, label }));
}

export async function spin() {
  for (;;);
}

export async function upper(input) {
  return (async function* () {
    for await (const chunk of input) yield chunk;
  })();
}

export async function fail(reason) {
  throw reason;
}

export async function throws() {
  throw new Error('a defect of the guest');
}

export async function echo(bytes) {
  return bytes;
}
