// end to end
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FoundCloudlet } from '../../../guest-sdk/client/mdns.ts';

/** Network namespaces are machines for our purpose: each has its own interfaces, addresses and port 5353. Only root makes them. */
const isRoot = process.getuid?.() === 0;
const machines = suite(isRoot ? 'two machines on one network' : 'two programs on loopback (two machines need root)');

const [LEFT, RIGHT] = [`cl-l${process.pid}`, `cl-r${process.pid}`];
const at = (namespace: string): string[] => (isRoot ? ['ip', 'netns', 'exec', namespace] : []);
const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

machines.before(() => {
  if (!isRoot) return;
  for (const namespace of [LEFT, RIGHT]) ip('netns', 'add', namespace);
  // Interface names have at most 15 characters.
  ip(
    'link',
    'add',
    `l${process.pid}`,
    'netns',
    LEFT,
    'type',
    'veth',
    'peer',
    'name',
    `r${process.pid}`,
    'netns',
    RIGHT,
  );
  for (const [namespace, link, address] of [
    [LEFT, `l${process.pid}`, '192.0.2.11/24'],
    [RIGHT, `r${process.pid}`, '192.0.2.12/24'],
  ] as const) {
    ip('-n', namespace, 'addr', 'add', address, 'dev', link);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'link', 'set', link, 'up');
    ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', link);
  }
});

machines.after(() => {
  if (isRoot) for (const namespace of [LEFT, RIGHT]) ip('netns', 'delete', namespace);
});

interface AdvertisingHost {
  /** The next name that it announces. */
  readonly next: () => Promise<string>;
  readonly leave: () => Promise<void>;
}

function host(namespace: string, id: string, name: string, port: number): AdvertisingHost {
  const child = inNamespace(namespace, 'advertising-host.ts', id, name, String(port));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    next: async () => String((await lines.next()).value),
    leave: async () => {
      child.stdin!.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function findFrom(namespace: string, ms: number): Promise<FoundCloudlet[]> {
  const child = inNamespace(namespace, 'find.ts', String(ms));
  let text = '';
  for await (const chunk of child.stdout!) text += chunk;
  return JSON.parse(text);
}

function inNamespace(namespace: string, script: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const [file, ...rest] = [...at(namespace), process.execPath, path, ...args];
  return spawn(file!, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
}

const ours = (found: FoundCloudlet[], ids: string[]): string[] =>
  found
    .filter(({ facts }) => ids.includes(facts.id))
    .map((each) => `${each.name} ${isRoot ? each.url : each.port}`)
    .sort();

machines('find each other, settle who has a name, and forget who left', async () => {
  const [first, second] = [`cl-aa${process.pid}0`, `cl-bb${process.pid}1`];
  const name = `Kitchen ${process.pid}`;
  const one = host(LEFT, first, name, 8001);
  const two = host(RIGHT, second, name, 8002);
  try {
    // Both probe at once: each may keep the name for a moment, at the end at most one has it.
    const names = [await one.next(), await two.next()];
    assert.ok(
      names.every((each) => each.startsWith(name)),
      names.join(),
    );
    const found = await findFrom(RIGHT, 3500);
    assert.is(new Set(found.map((each) => each.name)).size, found.length);
    assert.equal(
      // Sorted here: which of the two kept the name is chance.
      ours(found, [first, second])
        .map((each) => each.replace(/^.* /, ''))
        .sort(),
      isRoot ? ['http://192.0.2.11:8001', 'http://192.0.2.12:8002'] : ['8001', '8002'],
    );
    await one.leave();
    assert.is(ours(await findFrom(RIGHT, 1500), [first]).length, 0);
    assert.is(ours(await findFrom(LEFT, 1500), [second]).length, 1);
  } finally {
    await one.leave();
    await two.leave();
  }
});

machines.run();
