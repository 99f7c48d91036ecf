// time limit: 600 s
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { copySparse } from '../../runtime/machine/index.ts';
import { serveBlocks } from '../../runtime/vm/disk/block-server.ts';
import { LayeredDisk } from '../../runtime/vm/disk/layered-disk.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import type { StartedVm, VmDisk } from '../../runtime/vm/machine/vm-options.ts';
import { PROXY_PORT } from '../../runtime/vm/vm.ts';
import { ended } from '../support/process-tree.ts';
import { bootTinyVm, ECHO_PORT, echo, sh, startEcho, tinyShape, tinyVm } from '../support/vm-lab.ts';

const BOOT_AND_WAIT = fileURLToPath(new URL('../support/boot-vm-and-wait.ts', import.meta.url));
const MIB = 2 ** 20;
const GROWTH_BYTES = 64 * MIB;

interface Context {
  vm: StartedVm;
}
const vms = suite<Context>('a VM');

vms.before(async (context) => {
  context.vm = await bootTinyVm();
  await startEcho(context.vm);
});
vms.after(async ({ vm }) => {
  await vm.close();
  assert.not.ok(existsSync(`/proc/${vm.pid}`));
});

vms('runs a command as root, with its environment, input, output and status', async ({ vm }) => {
  const said: Uint8Array[] = [];
  const status = await vm.relay.run({
    command: 'id -u; echo "$NAME $HOME $http_proxy"; sort; exit 7',
    environment: { NAME: 'a b' },
    input: (async function* () {
      yield Buffer.from('2\n');
      yield Buffer.from('1\n');
    })(),
    output: (bytes) => said.push(bytes),
  });
  assert.is(status, 7);
  assert.is(Buffer.concat(said).toString(), '0\na b /root http://127.0.0.1:3128\n1\n2\n');
  assert.is((await sh(vm, 'kill -9 $$')).status, 128 + 9);
  assert.is((await sh(vm, 'PATH= nonsense')).status, 127);
});

vms('gives all that a command wrote, and does not wait for what it left behind', async ({ vm }) => {
  const { status, output } = await sh(vm, 'head -c 3000000 /dev/zero; sleep 1000 & exit 0');
  assert.is(status, 0);
  assert.is(output.length, 3_000_000);
  await sh(vm, 'kill -9 $(pidof sleep)');
});

vms('kills a command with all that it started', async ({ vm }) => {
  const stop = new AbortController();
  const running = vm.relay.run({
    command: 'sleep 1234 & sleep 1234 & echo started; wait',
    output: () => stop.abort(new Error('enough')),
    signal: stop.signal,
  });
  assert.match(await running.then(String, (error: Error) => error.message), 'enough');
  assert.is((await sh(vm, 'ps | grep "[s]leep 1234"')).output, '');
});

vms('goes on when a program kills all that it can', async ({ vm }) => {
  const other = await bootTinyVm();
  try {
    const killed = sh(other, 'sleep 1000');
    await sh(other, 'until pidof sleep; do sleep 0.1; done; kill -9 -1');
    assert.is((await killed).status, 128 + 9);
    assert.is((await sh(other, 'echo still')).output, 'still\n');
    await other.pause();
    await other.resume();
  } finally {
    await other.close();
  }
  assert.is((await sh(vm, 'echo there')).output, 'there\n');
});

vms('says that nothing listens: its own kernel does', async ({ vm }) => {
  const error = (await vm.relay.connect(8080).catch((thrown: unknown) => thrown)) as CloudletError;
  assert.is(error.code, 'not-ready');
});

vms('carries 64 streams of 1 MiB at once, byte by byte', async ({ vm }) => {
  const sent = Array.from({ length: 64 }, () => randomBytes(MIB));
  const got = await Promise.all(sent.map((bytes) => echo(vm, bytes)));
  for (const [at, bytes] of sent.entries()) assert.ok(bytes.equals(got[at]!), `stream ${at}`);
});

vms('has 300 connections open at once', async ({ vm }) => {
  const open = await Promise.all(Array.from({ length: 300 }, () => vm.relay.connect(ECHO_PORT)));
  for (const [at, connection] of open.entries()) connection.write(String(at));
  const heard = await Promise.all(open.map(async (connection) => String((await once(connection, 'data'))[0])));
  assert.equal(
    heard,
    open.map((_, at) => String(at)),
  );
  for (const connection of open) connection.destroy();
});

vms('lets no stream hold up another: one that nobody reads, and one that nobody reads inside', async ({ vm }) => {
  const unread = await vm.relay.connect(ECHO_PORT);
  unread.write(randomBytes(4 * MIB));
  const deaf = 'require("net").createServer((s) => s.pause()).listen(9, "127.0.0.1", () => console.log("there"))';
  const stop = new AbortController();
  const listening = Promise.withResolvers<void>();
  const running = vm.relay.run({
    command: `exec node -e '${deaf}'`,
    signal: stop.signal,
    output: () => listening.resolve(),
  });
  await listening.promise;
  const stuck = await vm.relay.connect(9);
  stuck.write(randomBytes(4 * MIB));
  const bytes = randomBytes(MIB);
  assert.ok(bytes.equals(await echo(vm, bytes)));
  assert.ok(unread.readableLength <= 65_536);
  unread.destroy();
  stuck.destroy();
  stop.abort(new Error('over'));
  await running.catch(() => undefined);
});

vms('is still each time it is asked to be, however much was sent to it just before', async ({ vm }) => {
  for (let times = 0; times < 30; times++) await vm.quiesce(AbortSignal.timeout(30_000));
});

vms('gives what programs ask of the proxy to its host, and refuses it when nobody takes it', async ({ vm }) => {
  const ask = `wget -q -O - http://somewhere.test/path 2>&1`;
  assert.match((await sh(vm, ask)).output, "can't connect to remote host (127.0.0.1): Connection refused");
  const requests: string[] = [];
  vm.relay.onOutgoing((connection: Duplex) => {
    connection.once('data', (bytes: Buffer) => {
      requests.push(bytes.toString());
      connection.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello');
    });
  });
  try {
    const all = await Promise.all(Array.from({ length: 5 }, () => sh(vm, ask)));
    assert.equal(
      all.map(({ output }) => output),
      Array(5).fill('hello'),
    );
    assert.match(requests[0]!, 'GET http://somewhere.test/path HTTP/1.1');
  } finally {
    vm.relay.onOutgoing(null);
  }
  assert.match((await sh(vm, `nc 127.0.0.1 ${PROXY_PORT} </dev/null 2>&1; echo $?`)).output, '1\n');
});

vms('runs without privileges, behind a seccomp filter, with no network device', async ({ vm }) => {
  const status = readFileSync(`/proc/${vm.pid}/status`, 'utf8');
  assert.match(status, /Name:\sqemu-system-x86/);
  assert.match(status, /CapEff:\s0{16}[\s\S]*NoNewPrivs:\s1[\s\S]*Seccomp:\s2/);
  if (process.getuid?.() === 0) assert.not.match(status, /Uid:.*\s0\s/);
  const words = readFileSync(`/proc/${vm.pid}/cmdline`, 'utf8').split('\0');
  assert.not.ok(words.some((word) => /^-?(netdev|nic|net)$|virtio-net/.test(word)));
});

vms('has no route to anywhere, and its loopback is its own', async ({ vm }) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    assert.is((await sh(vm, 'ip route; ip -o link | grep -v " lo:"')).output, '');
    const connect = (host: string, port: number) =>
      `node -e 'net.connect(${port}, "${host}").on("error", (e) => console.log(e.code)).on("connect", () => console.log("connected"))'`;
    for (const [host, port, code] of [
      ['169.254.169.254', 80, 'ENETUNREACH'],
      ['10.0.2.2', 80, 'ENETUNREACH'],
      ['192.0.2.1', 443, 'ENETUNREACH'],
      ['127.0.0.1', (server.address() as AddressInfo).port, 'ECONNREFUSED'],
    ] as const) {
      assert.is((await sh(vm, connect(host, port))).output.trim(), code, host);
    }
  } finally {
    server.close();
  }
});

vms('has an error when its disk may not grow any more, and lives; what is freed it has again', async ({ vm }) => {
  const fill = await sh(
    vm,
    'head -c 100000000 /dev/urandom > /full; sync; echo "$(stat -c %s /full)"; rm /full; fstrim /; echo $?',
  );
  assert.ok((await vm.growthBytes()) < GROWTH_BYTES, `${await vm.growthBytes()}`);
  assert.match(await tailOf(vm), 'I/O error');
  assert.match(fill.output, '0\n');
  assert.is(
    (await sh(vm, 'head -c 20000000 /dev/urandom > /again && sync && echo written; rm /again')).output,
    'written\n',
  );
  const bytes = randomBytes(MIB);
  assert.ok(bytes.equals(await echo(vm, bytes)));
});

/** What is on the console by now. */
async function tailOf(vm: StartedVm): Promise<string> {
  let text = '';
  await sh(vm, 'dmesg > /dev/console; echo "the end" > /dev/console');
  for await (const bytes of vm.console) {
    text += Buffer.from(bytes).toString('latin1');
    if (text.includes('the end')) break;
  }
  return text;
}

vms('ends when a program inside ends it, and what waits is told', async () => {
  const vm = await bootTinyVm();
  const connection = sh(vm, 'sleep 1000');
  vm.relay.run({ command: 'reboot -f', detached: true }).catch(() => undefined);
  assert.is(((await connection.catch((error: unknown) => error)) as CloudletError).code, 'machine-failed');
  await vm.exited;
  await vm.close();
});

vms('dies with its host, even when that is killed', async () => {
  const host = spawn(process.execPath, [BOOT_AND_WAIT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(host.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(existsSync(`/proc/${pid}`));
  host.kill('SIGKILL');
  await once(host, 'exit');
  await ended(pid);
});

const saved = suite<{ directory: string; disk: VmDisk }>('a VM that was saved');

saved.before(async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-saved-'));
  context.directory = directory;
  const [memory, state, top] = ['memory', 'state', 'top'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const { root, diskBytes } = await tinyVm();
  const shape = await tinyShape();
  for (const path of [memory, state, top]) await writeFile(path, '');
  await truncate(memory, shape.memoryMib * MIB);
  const layers = [{ path: root, format: 'raw' as const }];
  const vm = await bootTinyVm({
    template: { memory, saved: state },
    disk: { layers, bytes: diskBytes, growthBytes: GROWTH_BYTES, top },
  });
  try {
    await startEcho(vm);
    await sh(vm, 'echo kept > /kept; head -c 10000000 /dev/urandom > /gone; sync; rm /gone');
    const open = await vm.relay.connect(ECHO_PORT);
    const error = (await vm.quiesce().catch((thrown: unknown) => thrown)) as CloudletError;
    assert.match(error.message, 'expected no open connection and no command in a VM that is to be still, got 1');
    open.destroy();
    await vm.quiesce();
    await vm.save();
  } finally {
    await vm.close();
  }
  assert.ok((await stat(top)).size < GROWTH_BYTES, 'the layer is no longer than it has to be');
  assert.ok((await stat(top)).blocks * 512 < 8 * MIB, 'what was freed is not in it');
  assert.ok((await stat(memory)).blocks * 512 < (shape.memoryMib * MIB * 3) / 4, 'nor are zeros in its memory');
  context.disk = { layers: [...layers, { path: top, format: 'qcow2' }], bytes: diskBytes, growthBytes: GROWTH_BYTES };
});
saved.after(({ directory }) => rm(directory, { recursive: true }));

async function restore(
  { directory, disk }: { directory: string; disk: VmDisk },
  other: Partial<VmDisk> = {},
): Promise<StartedVm> {
  const [memory, state] = [join(directory, 'memory'), join(directory, 'state')];
  return restoreVm({
    id: randomUUID(),
    memory,
    state,
    shape: await tinyShape(),
    disk: { ...disk, ...other },
    restoreMs: 60_000,
  });
}

saved(
  'goes on in three clones at once: each is another, at the present time, and all serve what it served',
  async (context) => {
    const clones = await Promise.all([1, 2, 3].map(() => restore(context)));
    try {
      const said = await Promise.all(
        clones.map((clone) => sh(clone, 'hostname; head -c 16 /dev/urandom | hexdump -C; date +%s; cat /kept')),
      );
      const lines = said.map(({ output }) => output.split('\n'));
      for (const place of [0, 1]) assert.is(new Set(lines.map((each) => each[place])).size, 3);
      for (const each of lines) {
        assert.ok(Math.abs(Number(each.at(-3)) - Date.now() / 1000) < 60, each.join());
        assert.is(each.at(-2), 'kept');
      }
      await Promise.all(
        clones.map(async (clone, at) => {
          await sh(clone, `echo ${at} > /own`);
          const bytes = randomBytes(MIB);
          assert.ok(bytes.equals(await echo(clone, bytes)));
        }),
      );
      assert.equal(await Promise.all(clones.map(async (clone) => (await sh(clone, 'cat /own')).output)), [
        '0\n',
        '1\n',
        '2\n',
      ]);
      for (const clone of clones) assert.ok((await clone.privateBytes()) < 150 * MIB);
    } finally {
      await Promise.all(clones.map((clone) => clone.close()));
    }
  },
);

saved('goes on over a disk that its host serves', async (context) => {
  const disk = await LayeredDisk.open(context.disk.layers, context.disk.bytes);
  const clone = await restore(context, { layers: [], serve: (connection) => void serveBlocks(connection, disk) });
  try {
    assert.is((await sh(clone, 'echo 3 > /proc/sys/vm/drop_caches; cat /kept')).output, 'kept\n');
    assert.ok(Buffer.from('hello').equals(await echo(clone, Buffer.from('hello'))));
  } finally {
    await clone.close();
    await disk.close();
  }
});

saved('that is a copy of itself can be saved again', async (context) => {
  const names = { memory: 'memory-2', state: 'state-2', top: 'top-2' };
  const path = (name: string) => join(context.directory, name);
  for (const name of Object.values(names)) await writeFile(path(name), '');
  await copySparse(path('memory'), path(names.memory));
  const shape = await tinyShape();
  const again = await restoreVm({
    id: randomUUID(),
    memory: path(names.memory),
    state: path('state'),
    shape,
    disk: { ...context.disk, top: path(names.top) },
    template: { saved: path(names.state) },
    restoreMs: 60_000,
  });
  try {
    await sh(again, 'echo twice > /kept');
    await again.quiesce();
    await again.save();
  } finally {
    await again.close();
  }
  const layers = [...context.disk.layers, { path: path(names.top), format: 'qcow2' as const }];
  const clone = await restoreVm({
    id: randomUUID(),
    memory: path(names.memory),
    state: path(names.state),
    shape,
    disk: { ...context.disk, layers },
    restoreMs: 60_000,
  });
  try {
    assert.is((await sh(clone, 'cat /kept')).output, 'twice\n');
  } finally {
    await clone.close();
  }
  const first = await restore(context);
  try {
    assert.is((await sh(first, 'cat /kept')).output, 'kept\n');
  } finally {
    await first.close();
  }
});

vms.run();
saved.run();
