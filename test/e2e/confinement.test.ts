// time limit: 400 s
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHardening } from '../../runtime/machine/confinement/hardening.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { SeededRandom } from '../support/random.ts';

const START_QEMUS = fileURLToPath(new URL('../support/start-qemus.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;

/** How long a process may take to vanish after its host was killed, milliseconds. */
const VANISH_MS = 60_000;
/** Hosts that are killed, each while it starts machines. */
const KILLS = 20;

const confinement = suite('a real machine, confined');

confinement('runs in a root of what it needs, under limits, and two of them share no user', async () => {
  const machines = await Promise.all([bootTestMachine(), bootTestMachine()]);
  try {
    const users = machines.map(({ pid }) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(status, /CapEff:\s0{16}[\s\S]*NoNewPrivs:\s1[\s\S]*Seccomp:\s2/);
      return /Uid:\s(\d+)/.exec(status)![1]!;
    });
    if (!isRoot) return; // The rest is what root can do anywhere.
    assert.is.not(users[0], users[1]);
    const { pid } = machines[0]!;
    assert.equal(readdirSync(`/proc/${pid}/root`).sort(), ['dev', 'etc', 'lib', 'lib64', 'proc', 'usr']);
    assert.equal(readdirSync(`/proc/${pid}/root/etc`), ['ld.so.cache']);
    assert.match(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), /^[^:]*\n\s*lo:[^:]*$/);
    for (const limit of await limitsOf(pid!)) assert.match(limit, /^[1-9]\d{0,12}( 100000)?$/m);
  } finally {
    await Promise.all(machines.map((machine) => machine.close()));
  }
});

/** The limits of the control groups that a process is in, for every controller that this computer lets us have. */
async function limitsOf(pid: number): Promise<string[]> {
  const { controlGroups } = await findHardening('qemu-system-x86_64');
  const files = {
    memory: ['memory.limit_in_bytes', 'memory.max'],
    cpu: ['cpu.cfs_quota_us', 'cpu.max'],
    pids: ['pids.max', 'pids.max'],
  };
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  return controlGroups.places.map(({ controller, version, directory }) => {
    const name = groups
      .map((line) => /:([^:]*):.*\/(cloudlet-\d+-\d+-[^/]+\/\d+)$/.exec(line))
      .find((match) => version === 2 || match?.[1] === controller);
    assert.ok(name, `in no group for ${controller}: ${groups.join(' ')}`);
    return readFileSync(join(directory, name![2]!, files[controller][version - 1]!), 'utf8').trim();
  });
}

confinement('leaves no control group behind', async () => {
  const { controlGroups } = await findHardening('qemu-system-x86_64');
  const ours = () =>
    controlGroups.places.flatMap(({ directory }) =>
      readdirSync(directory).filter((name) => name.startsWith(`cloudlet-${process.pid}-`)),
    );
  await until(() => ours().length === 0);
  assert.equal(ours(), []);
});

confinement('does not outlive its host, at whatever moment of a start that is killed', async () => {
  const random = new SeededRandom(Date.now());
  for (let kill = 0; kill < KILLS; kill++) {
    const afterMs = random.below(40);
    const killed = await startAndKill(afterMs);
    await until(() => startedBy(killed).length === 0);
    assert.equal(startedBy(killed).map(stateOf), [], `kill ${kill} after ${afterMs} ms, seed ${random.seed}`);
  }
});

confinement('of a host that was killed leaves no control group once another host started', async () => {
  const { controlGroups } = await findHardening('qemu-system-x86_64');
  const killed = await startAndKill();
  await until(() => startedBy(killed).length === 0);
  const next = await startAndKill();
  await until(() => startedBy(next).length === 0);
  for (const { directory } of controlGroups.places) {
    assert.equal(
      readdirSync(directory).filter((group) => group.startsWith(`cloudlet-${killed}-`)),
      [],
    );
  }
});

/** Kills a host that has started a QEMU, some milliseconds later. Returns its process id, which is also that of its session. */
async function startAndKill(afterMs = 0): Promise<number> {
  const host = spawn(process.execPath, [START_QEMUS], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  await once(host.stdout, 'data');
  assert.ok(startedBy(host.pid!).length > 0, 'a host that lives is not found by its session');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  host.kill('SIGKILL');
  await once(host, 'exit');
  return host.pid!;
}

/**
 * Who of a host's session still lives: QEMUs, what starts them, and forks of the host that are about to be that. Not found by their
 * arguments: a process that is between two programs has none for a moment, and would be missed.
 */
function startedBy(host: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const [state, , , session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return Number(session) === host && state !== 'Z';
    } catch {
      return false; // No process, or one that ended.
    }
  });
}

/** Who a process is and what it waits for, for a failure's message. */
function stateOf(pid: string): string {
  const read = (file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return 'ended';
    }
  };
  return [
    pid,
    ...(read('status').match(/(Name|State|PPid|SigPnd|ShdPnd):.*/g) ?? []),
    read('wchan'),
    read('stack'),
  ].join(' ');
}

async function until(happened: () => boolean): Promise<void> {
  const end = performance.now() + VANISH_MS;
  while (!happened() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
}

confinement.run();
