import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LogLine, parseName } from '../../../guest-sdk/protocol/index.ts';
import { FunctionLogs } from '../../../runtime/function/function-logs.ts';
import { LOG_FILES, logFiles } from '../../../runtime/function/log-files.ts';

const files = suite<{ folder: string }>('log files');

files.before.each(async (context) => {
  context.folder = join(await mkdtemp(join(tmpdir(), 'cloudlet-log-')), 'hello');
});
files.after.each(async ({ folder }) => {
  await rm(join(folder, '..'), { recursive: true, force: true });
});

let seq = 1_800_000_000_000_000;
const line = (text: string): LogLine => ({
  ...{ seq: ++seq, at: '2026-11-22T10:00:00.000Z', version: 1, invocation: 'i', stream: 'stderr', text },
});

async function sizes(folder: string): Promise<number[]> {
  return await Promise.all((await readdir(folder)).sort().map(async (name) => (await stat(join(folder, name))).size));
}

files('what is appended is loaded again, in order, by whoever comes next', ({ folder }) => {
  assert.equal(logFiles(folder, 10_000).load(), []);
  const lines = ['a', 'line\nbreak \u2028 \0', 'ö'].map(line);
  const first = logFiles(folder, 10_000);
  first.append(lines.slice(0, 1));
  first.append(lines.slice(1));
  const second = logFiles(folder, 10_000);
  assert.equal(second.load(), lines);
  const more = line('d');
  second.append([more]);
  assert.equal(logFiles(folder, 10_000).load(), [...lines, more]);
});

files('files rotate: so many, of so many bytes, the oldest goes', async ({ folder }) => {
  const store = logFiles(folder, 8000);
  const lines = Array.from({ length: 200 }, (_, i) => line(`${i}`.padEnd(100, '.')));
  for (let at = 0; at < lines.length; at += 7) {
    store.append(lines.slice(at, at + 7));
    const now = await sizes(folder);
    assert.ok(now.length <= LOG_FILES && now.every((bytes) => bytes <= 2000), `${now}`);
  }
  const kept = logFiles(folder, 8000).load();
  assert.equal(kept, lines.slice(-kept.length));
  assert.ok(kept.length >= 24, `${kept.length} lines`);
});

files('a line whose JSON is longer than a file is cut', async ({ folder }) => {
  const store = logFiles(folder, 8000);
  const entry = { level: 'warn', context: '\0'.repeat(2000) } as const;
  store.append([line('\0'.repeat(2000)), line('behind it'), { ...line('\0'.repeat(500)), entry }]);
  const kept = logFiles(folder, 8000).load();
  assert.is(kept.length, 3);
  assert.equal([kept[2]!.entry?.level, kept[2]!.entry?.context.length], ['warn', 64]);
  assert.match(kept[0]!.text, /^\0+… \(cut\)$/);
  assert.ok((await sizes(folder)).every((bytes) => bytes <= 2000));
});

files('half a line at the end, as a kill leaves it, costs only itself', async ({ folder }) => {
  const [a, b, c] = [line('a'), line('b'), line('c')];
  logFiles(folder, 10_000).append([a, b]);
  const path = join(folder, (await readdir(folder))[0]!);
  await truncate(path, (await stat(path)).size - 5);
  const store = logFiles(folder, 10_000);
  assert.equal(store.load(), [a]);
  store.append([c]);
  assert.equal(logFiles(folder, 10_000).load(), [a, c]);
});

files('what is no line, and no file of ours, is passed over', async ({ folder }) => {
  const a = line('a');
  logFiles(folder, 10_000).append([a]);
  const path = join(folder, (await readdir(folder))[0]!);
  await appendFile(path, '{"seq":"x"}\nnot JSON\n[]\n\n');
  await writeFile(join(folder, 'notes.txt'), 'of somebody');
  assert.equal(logFiles(folder, 10_000).load(), [a]);
});

files('are readable by nobody else', async ({ folder }) => {
  logFiles(folder, 10_000).append([line('a')]);
  assert.is((await stat(folder)).mode & 0o777, 0o700);
  assert.is((await stat(join(folder, (await readdir(folder))[0]!))).mode & 0o777, 0o600);
});

files('logs of functions are removed with them, also when a kill came between', async ({ folder }) => {
  const directory = join(folder, 'logs');
  const names = ['kept', 'gone', 'left'].map(parseName);
  const [kept, gone] = names as [(typeof names)[number], (typeof names)[number]];
  const unkept = (sentence: string): void => assert.unreachable(sentence);
  const open = (functions: readonly string[]): FunctionLogs =>
    FunctionLogs.open({ directory, limitBytes: 10_000, unkept, isFunction: (name) => functions.includes(name) });
  const logs = open([]);
  for (const name of names) logs.add(name, { version: 1, invocation: 'i', stream: 'host', text: `of ${name}` });
  const followed = (async () => {
    const seen: string[] = [];
    for await (const { text } of logs.of(gone).read({ follow: true })) seen.push(text);
    return seen;
  })();
  setImmediate(() => logs.remove(gone));
  assert.equal(await followed, ['of gone']);
  logs.add(gone, { version: 1, invocation: 'j', stream: 'host', text: 'of its successor' });
  logs.close();
  assert.equal((await readdir(directory)).sort(), ['gone', 'kept', 'left']);
  assert.match(
    await readFile(join(directory, 'gone', (await readdir(join(directory, 'gone')))[0]!), 'utf8'),
    /successor/,
  );
  const again = open([kept, gone]);
  assert.equal((await readdir(directory)).sort(), ['gone', 'kept']);
  for (const [name, text] of [
    [kept, 'of kept'],
    [gone, 'of its successor'],
  ] as const) {
    const seen: string[] = [];
    for await (const one of again.of(name).read()) seen.push(one.text);
    assert.equal(seen, [text]);
  }
});

files.run();
