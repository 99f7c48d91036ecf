import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { findHardening } from '../../../runtime/machine/confinement/hardening.ts';
import { groupName } from '../../../runtime/machine/confinement/leftover-groups.ts';
import { type QemuProcess, type QemuStart, startQemu } from '../../../runtime/machine/qemu-process.ts';
import { ended } from '../../support/process-tree.ts';

/** What this computer lets machines have; `hardening.test.ts` holds that the rest is told. */
const {
  facts: { layers },
  controlGroups: { places },
} = await findHardening('/bin/sh');

/** A shell in QEMU's place. It is confined as QEMU is: in a root of its own there is nothing but the shell. */
const shell = (script: string, more: Partial<QemuStart> = {}) =>
  startQemu({
    ...{ qemu: '/bin/sh', accelerator: 'tcg', stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
    args: ['-c', script, '-a', '--', 'c d', '"$HOME"', "'"],
    ...more,
  });

/** What it says until it ends. */
async function said(child: QemuProcess): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr] as Readable[]) stream.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return text;
}

/** What the kernel says of a shell that waits. */
async function whileWaiting<T>(look: (pid: number) => T): Promise<T> {
  const child = await shell('echo ready; read -r line <&3');
  await once(child.stdout!, 'data');
  try {
    return look(child.pid);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
}

const start = suite('a started QEMU');

start('is given its arguments as they are', async () => {
  assert.is(
    await said(await shell('for word in "$0" "$@"; do echo "$word|"; done')),
    '-a|\n--|\nc d|\n"$HOME"|\n\'|\n',
  );
});

for (const [accelerator, huge] of [
  ['tcg', 0],
  ['kvm', 1],
] as const) {
  start(`has ${huge === 0 ? 'no ' : ''}huge pages under ${accelerator}`, async () => {
    const status = await said(
      await shell('while read -r line; do echo "$line"; done < /proc/self/status', { accelerator }),
    );
    assert.match(status, new RegExp(`^THP_enabled:\\s+${huge}$`, 'm'));
  });
}

start('knows nothing of the environment', async () => {
  assert.match(
    await said(await shell('export -p')),
    /^(export (PATH|PWD|OLDPWD|_|MALLOC_ARENA_MAX|LD_PRELOAD)\b.*\n)*$/,
  );
});

for (const [script, end] of [
  ['exit 7', [7, null]],
  ['echo early; exit 0', [0, null]],
] as const) {
  start(`ends as the program did: ${script}`, async () => {
    const child = await shell(script);
    child.stdout!.resume();
    child.stderr!.resume();
    assert.equal(await once(child, 'close'), end);
  });
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  start(`is over at ${signal}, whatever the program makes of it`, async () => {
    const child = await shell('trap "" TERM INT; echo ready; read -r line <&3');
    await once(child.stdout!, 'data');
    child.kill(signal);
    assert.equal(await once(child, 'close'), [null, signal]);
    await ended(child.pid);
  });
}

start('is over when QEMU itself is killed', async () => {
  const child = await shell('echo ready; read -r line <&3');
  await once(child.stdout!, 'data');
  process.kill(child.pid, 'SIGKILL');
  assert.equal(await once(child, 'close'), [null, 'SIGKILL']);
});

start('has a user of its own, no capability, no way to any', async () => {
  const look = () => whileWaiting((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const [one, other] = await Promise.all([look(), look()]);
  for (const status of [one, other]) {
    assert.match(status, /CapInh:\s0{16}\nCapPrm:\s0{16}\nCapEff:\s0{16}\n/);
    assert.match(status, /NoNewPrivs:\s1/);
  }
  if (!layers.includes('user')) return;
  const user = (status: string) => /Uid:\s(\d+)\s\1\s\1\s\1\nGid:\s\1\s\1\s\1\s\1\n/.exec(status)![1]!;
  assert.ok(Number(user(one)) >= 0x7000_0000, user(one));
  assert.is.not(user(one), user(other));
  for (const status of [one, other]) {
    assert.match(status, /Groups:\s*\n/);
    assert.match(status, /CapBnd:\s0{16}/);
  }
});

start('is the first process of its namespace, and sees no other', async () => {
  if (!layers.includes('root')) return;
  assert.match(await said(await shell('echo /proc/[0-9]*; echo "$$"')), /^\/proc\/1\n1\n$/);
});

start('has a root that holds what it needs, read-only, and nothing of this computer', async () => {
  if (!layers.includes('root')) return;
  const [top, mounts] = await whileWaiting((pid) => [
    readdirSync(`/proc/${pid}/root`).sort(),
    readFileSync(`/proc/${pid}/mounts`, 'utf8').trim().split('\n'),
  ]);
  for (const name of ['dev', 'etc', 'proc', 'usr'])
    assert.ok(top.includes(name) || name === 'usr', `${name} of ${top}`);
  for (const name of ['home', 'root', 'tmp', 'var', 'sys', 'work']) assert.not.ok(top.includes(name), name);
  for (const mount of mounts) assert.match(mount, / ro,nosuid/);
  for (const path of ['/etc/passwd', '/root', '/tmp', '/sys', '/var', process.execPath, '/proc/2']) {
    assert.match(await said(await shell(`[ -e ${path} ] && echo seen || echo none`)), 'none', path);
  }
  assert.match(await said(await shell('echo x > /etc/x')), /Read-only|Permission denied/);
});

start('may use the devices that it is given, and no other', async () => {
  if (!layers.includes('root')) return;
  assert.is(
    await said(await shell('echo x > /dev/null && read -r line < /dev/null; echo /dev/*')),
    '/dev/null /dev/urandom\n',
  );
});

start('has namespaces of its own', async () => {
  const kinds = (
    [
      ['ipc', 'ipc'],
      ['root', 'mnt'],
      ['network', 'net'],
      ['processes', 'pid'],
      ['host-name', 'uts'],
    ] as const
  ).flatMap(([layer, kind]) => (layers.includes(layer) ? [kind] : []));
  const look = () => whileWaiting((pid) => kinds.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`)));
  const [one, other] = await Promise.all([look(), look()]);
  const ours = kinds.map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
  assert.is(new Set([...one, ...other, ...ours]).size, 3 * kinds.length);
});

start('has no network interface but its own loopback, which is down', async () => {
  if (!layers.includes('network')) return;
  const interfaces = await whileWaiting((pid) =>
    readFileSync(`/proc/${pid}/net/dev`, 'utf8').trim().split('\n').slice(2),
  );
  assert.is(interfaces.length, 1);
  assert.match(interfaces[0]!, /^\s*lo:/);
});

start('has limits on core files, descriptors and the size of files', async () => {
  const limits = await whileWaiting((pid) => readFileSync(`/proc/${pid}/limits`, 'utf8'));
  assert.match(limits, /Max core file size\s+0\s+0/);
  assert.match(limits, /Max open files\s+512\s+512/);
  assert.match(limits, new RegExp(`Max file size\\s+${4096 * 2 ** 20}\\s+${4096 * 2 ** 20}`));
});

start('has no descriptor but those it is given', async () => {
  const open = await whileWaiting((pid) => readdirSync(`/proc/${pid}/fd`).map(Number));
  const always = readdirSync('/proc/self/fd').map(Number);
  // A shell keeps what it reads from at 10.
  assert.equal(
    open.filter((fd) => fd > 3 && fd !== 10 && !always.includes(fd)),
    [],
  );
});

start('leaves its supervisor nothing that it is given', async () => {
  if (!layers.includes('processes')) return;
  const child = await shell('echo ready; read -r line <&3');
  await once(child.stdout!, 'data');
  const supervisor = Number(/PPid:\s(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]);
  const held = () => readdirSync(`/proc/${supervisor}/fd`);
  // It closes them while the program begins: either may be first.
  for (let look = 0; held().length > 1 && look < 1000; look++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(held(), ['0']);
  assert.match(readFileSync(`/proc/${supervisor}/status`, 'utf8'), /CapEff:\s0{16}/);
  (child.stdio[3] as Duplex).write('\n');
  await once(child, 'close');
  await ended(child.pid);
});

/** The groups that a process is in by the name of whoever claims, and whether these get what others leave. */
function claimsOf(pid: number): { groups: string; idle: string[] } {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const files = places.map(({ directory }) => {
    const claimant = groups.split('\n').flatMap((line) => /\/(cloudlet-[^/]+)\/\d+$/.exec(line)?.[1] ?? [])[0];
    return join(directory, claimant ?? 'none', 'cpu.idle');
  });
  return { groups, idle: files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8').trim()) };
}

start('gets what others leave in the background, alone, until it claims for whom it is', async () => {
  if (places.length === 0) return; // Told as missing.
  const child = await shell('echo ready; read -r line <&3', { background: true, claimant: 'function-one' });
  await once(child.stdout!, 'data');
  await child.settled();
  try {
    for (const claimant of [null, 'function-two']) {
      if (claimant !== null) await child.claimFor(claimant);
      const { groups, idle } = claimsOf(child.pid);
      assert.match(groups, groupName('machine-'));
      assert.ok(idle.every((each) => each === '1'));
    }
    await child.claimNow();
    const { groups, idle } = claimsOf(child.pid);
    assert.match(groups, `${groupName('function-two')}/`);
    assert.ok(idle.every((each) => each === '0'));
    await child.claimFor('function-three');
    assert.match(claimsOf(child.pid).groups, `${groupName('function-three')}/`);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
});

start('claims in the end for whom it was started', async () => {
  if (places.length === 0) return; // Told as missing.
  const child = await shell('read -r line <&3', { background: true, claimant: 'function-one' });
  await child.claimNow();
  assert.match(claimsOf(child.pid).groups, `${groupName('function-one')}/`);
  child.kill('SIGTERM');
  await once(child, 'close');
});

start('does not start when there is no such program, and says which', async () => {
  const error = await shell('', { qemu: '/none/qemu' }).catch((thrown: CloudletError) => thrown);
  assert.is((error as CloudletError).code, 'machine-failed');
  assert.match((error as CloudletError).message, '/none/qemu');
});

start('follows a program that was replaced', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-replaced-'));
  const qemu = join(directory, 'qemu');
  try {
    await chmod(directory, 0o755);
    for (const there of [true, false, true]) {
      if (there) await copyFile('/bin/sh', qemu);
      else await rm(qemu);
      const outcome = await shell('echo started', { qemu }).catch((thrown: CloudletError) => thrown.message);
      if (typeof outcome === 'string') assert.match(outcome, /expected a program, got none at .*qemu/);
      else assert.is(await said(outcome), 'started\n');
      assert.is(typeof outcome === 'string', !there);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

start.run();
