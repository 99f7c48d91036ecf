// time limit: 400 s
import { randomBytes } from 'node:crypto';
import { constants, createReadStream, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHardening } from '../../runtime/machine/confinement/hardening.ts';
import { groupName } from '../../runtime/machine/confinement/leftover-groups.ts';
import { sparseDigest } from '../../runtime/machine/snapshot/sparse-digest.ts';
import type { LoadedVersion, Sandbox } from '../../runtime/sandbox/index.ts';
import {
  CloneLab,
  callIn,
  getIn,
  guestArtifact,
  projectArtifact,
  type SnapshotPaths,
  versionWith,
} from '../support/clone-lab.ts';

const CLONES = 64;
/** Of the function whose engine draws by the same imports. */
const ENGINE_CLONES = 16;
const AT_ONCE = 2;

/** How far a clock inside may be off, milliseconds, beside the time that asking takes. */
const CLOCK_MS = 100;
const PAUSE_MS = 1000;

const draws = guestArtifact('draws');
const fetcher = projectArtifact(fileURLToPath(new URL('../support/guests/fetch-http/', import.meta.url)));

/** Names versions of one run apart from those of another, whose snapshots may be left. */
const run = randomBytes(4).toString('hex');
const SECRET = `secret-${randomBytes(16).toString('hex')}`;
const WORD = `word-${randomBytes(16).toString('hex')}`;
const DRAWING = versionWith(`draws-${run}`, draws, { SECRET }, [WORD]);
const FETCHING = versionWith(`fetch-${run}`, fetcher);

interface Context {
  lab: CloneLab;
}
const clones = suite<Context>('clones');

clones.before(async (context) => {
  context.lab = await CloneLab.open();
});
clones.after(async ({ lab }) => {
  for (const { id } of [DRAWING, FETCHING]) await lab.source.forget(id);
  await lab.close();
});

/** The snapshot of a version, which must be there. */
function snapshotOf(lab: CloneLab, { id }: LoadedVersion): SnapshotPaths {
  const found = lab.find(id);
  assert.ok(found, `there is a snapshot of ${id}`);
  return found!;
}

clones('are of the golden machine first, then of what was prepared', async ({ lab }) => {
  await lab.with(DRAWING, async ({ sandbox, via }) => {
    assert.is(via, 'golden-clone');
    assert.match(String(await callIn(sandbox, 'draw')), 'getentropy');
  });
  const seen = await whoGetTheRest(() => lab.source.prepare(DRAWING, lab.signal));
  if (seen !== null) assert.ok(seen.size > 0, 'its template claimed from the first');
  await lab.with(DRAWING, async ({ sandbox, via }) => {
    assert.is(via, 'function-clone');
    assert.is(sandbox.workers, 2);
    assert.match(String(await callIn(sandbox, 'draw')), 'getentropy');
  });
  assert.equal(lab.warnings, []);
});

/** Groups that get what others leave of the processors, while something is done; null where there are none. */
async function whoGetTheRest(act: () => Promise<unknown>): Promise<Set<string> | null> {
  const place = (await findHardening('/bin/sh')).controlGroups.places.find(({ controller }) => controller === 'cpu');
  const seen = new Set<string>();
  const look = () => {
    if (place === undefined) return;
    for (const name of readdirSync(place.directory).filter((each) => each.startsWith(groupName('machine-')))) {
      try {
        if (readFileSync(join(place.directory, name, 'cpu.idle'), 'utf8').trim() === '1') seen.add(name);
      } catch {
        // Gone meanwhile.
      }
    }
  };
  const looking = setInterval(look, 20);
  await act().finally(() => clearInterval(looking));
  return place === undefined || !existsSync(join(place.directory, 'cpu.idle')) ? null : seen;
}

clones('see the secrets of their grant, of which nothing is in the snapshot', async ({ lab }) => {
  await lab.with(DRAWING, async ({ sandbox }) => {
    assert.is(await callIn(sandbox, 'environment', 'SECRET'), SECRET);
    assert.is(await callIn(sandbox, 'last-argument'), WORD);
  });
  const { memory, state } = snapshotOf(lab, DRAWING);
  for (const path of [memory, state]) {
    for (const text of [SECRET, WORD]) {
      for (const encoding of ['utf8', 'utf16le'] as const) {
        assert.not.ok(await holds(path, Buffer.from(text, encoding)), `${path} holds ${text} as ${encoding}`);
      }
    }
  }
  // What is looked for would be found: this the snapshot does hold.
  assert.ok(await holds(memory, Buffer.from(DRAWING.id)), 'the name of the function');
});

/** Whether a file has these bytes anywhere. */
async function holds(path: string, bytes: Buffer): Promise<boolean> {
  let tail = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 4 * 2 ** 20 })) {
    const all = Buffer.concat([tail, chunk as Buffer]);
    if (all.includes(bytes)) return true;
    tail = Buffer.from(all.subarray(-bytes.length));
  }
  return false;
}

clones(
  'hold the memory of their snapshot by descriptors that cannot write, and leave it as it was',
  async ({ lab }) => {
    const { memory, state } = snapshotOf(lab, DRAWING);
    const before = [await sparseDigest(memory), await sparseDigest(state)];
    await lab.with(DRAWING, async ({ sandbox }) => {
      const held = descriptorsOf(sandbox.pid, memory);
      assert.ok(held.length > 0, 'the memory is open');
      for (const flags of held) assert.is(flags & 3, constants.O_RDONLY);
      const maps = readFileSync(`/proc/${sandbox.pid}/maps`, 'utf8').split('\n');
      const ofMemory = maps.filter((line) => line.includes(tailOf(memory)));
      assert.ok(ofMemory.length > 0, 'the memory is mapped');
      for (const line of ofMemory) assert.match(line, / rw-p /);
      assert.is(await callIn(sandbox, 'fill', 32 * 2 ** 20), 32 * 2 ** 20);
      assert.ok((await sandbox.privateBytes()) > 32 * 2 ** 20);
    });
    assert.equal([await sparseDigest(memory), await sparseDigest(state)], before);
  },
);

/** Flags of the descriptors by which a process has a file, wherever that is in its own tree. */
function descriptorsOf(pid: number, path: string): number[] {
  const name = tailOf(path);
  return readdirSync(`/proc/${pid}/fd`)
    .filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(name))
    .map((fd) => Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))![1]!, 8));
}

/** The end of a path, which is the same in every tree. */
function tailOf(path: string): string {
  return path.split('/').slice(-2).join('/');
}

clones(
  'have the right time after the restore and after a pause, and a monotonic clock that only goes on',
  async ({ lab }) => {
    let toldFrom = Date.now();
    await lab.with(DRAWING, async ({ sandbox }) => {
      const monotonic: bigint[] = [];
      // A time is on its way for as long as a busy computer takes; what it is told late it is late by.
      let onItsWayMs = Date.now() - toldFrom;
      const look = async () => {
        const before = Date.now();
        const [wall, mono] = (await callIn(sandbox, 'clocks')) as [bigint | number, bigint | number];
        const after = Date.now();
        const ms = Number(BigInt(wall) / 1_000_000n);
        assert.ok(ms >= before - onItsWayMs - CLOCK_MS, `${before - ms} ms late`);
        assert.ok(ms <= after + CLOCK_MS, `${ms - after} ms early`);
        monotonic.push(BigInt(mono));
      };
      await look();
      await look();
      await sandbox.pause();
      await sleep(PAUSE_MS);
      toldFrom = Date.now();
      await sandbox.resume();
      onItsWayMs = Date.now() - toldFrom;
      await look();
      await look();
      assert.equal(
        monotonic,
        [...monotonic].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
      );
    });
  },
);

clones('are quiet after the restore: decades passed, and no timer noticed', async ({ lab }) => {
  await lab.with(DRAWING, async ({ sandbox }) => {
    const before = processorMs(sandbox.pid);
    await sleep(1000);
    const used = processorMs(sandbox.pid) - before;
    assert.ok(used < 300, `${used} ms of a processor in one second`);
  });
});

/** Time of processors that a process has used, milliseconds; the kernel counts in hundredths of a second. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}

/** Starts clones of a version, few at a time, and gives what `ask` says of each. */
async function inClones(
  lab: CloneLab,
  version: LoadedVersion,
  count: number,
  ask: (sandbox: Sandbox) => Promise<string[]>,
) {
  const said: string[] = [];
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      await lab.with(version, async ({ sandbox, via }) => {
        assert.is(via, 'function-clone');
        said.push(...(await ask(sandbox)));
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return said;
}

/** Fails when a source gave one value twice, or two sources the same. */
function assertNoDuplicate(said: readonly string[], expected: number): void {
  const places = new Map<string, string>();
  for (const line of said) {
    const [source, value] = line.split(' ') as [string, string];
    assert.not.ok(places.has(value), `${source} gave ${value}, which ${places.get(value)} gave, too`);
    places.set(value, source);
  }
  assert.is(places.size, expected);
}

const drawIn = async (sandbox: Sandbox) =>
  String(await callIn(sandbox, 'draw'))
    .trim()
    .split('\n');

clones(`of one snapshot draw nothing twice: ${CLONES} of a C component, ten sources, both workers`, async ({ lab }) => {
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const said = await inClones(lab, DRAWING, CLONES, async (sandbox) =>
    (await Promise.all([drawIn(sandbox), drawIn(sandbox)])).flat(),
  );
  assert.is(descriptors(), before, 'no clone leaves a descriptor');
  assert.is(new Set(said.map((line) => line.split(' ')[0])).size, 10);
  assertNoDuplicate(said, CLONES * 2 * 10);
});

clones(`of one snapshot draw nothing twice: ${ENGINE_CLONES} of a QuickJS function, three sources`, async ({ lab }) => {
  await lab.source.prepare(FETCHING, lab.signal);
  const said = await inClones(lab, FETCHING, ENGINE_CLONES, async (sandbox) => {
    const [number, uuid, ...bytes] = JSON.parse(await getIn(sandbox, '/random')) as [number, string, ...number[]];
    return [`Math.random ${number}`, `randomUUID ${uuid}`, `getRandomValues ${Buffer.from(bytes).toString('hex')}`];
  });
  assertNoDuplicate(said, ENGINE_CLONES * 3);
});

const DAMAGE: readonly (readonly [
  what: string,
  damage: (snapshot: SnapshotPaths) => Promise<void>,
  warning: RegExp,
])[] = [
  ['whose memory is truncated', ({ memory }) => truncate(memory, 2 ** 20), /its memory has 1048576 bytes/],
  ['of another version of QEMU', ofOtherQemu, /its manifest is that of another/],
];
for (const [what, damage, warning] of DAMAGE) {
  clones(`are not made of a snapshot ${what}: the call is answered, and a new one made`, async ({ lab }) => {
    const damaged = snapshotOf(lab, DRAWING);
    await damage(damaged);
    // The number of the file may be used again at once.
    const { ctimeMs } = await stat(damaged.memory);
    lab.warnings.length = 0;
    await lab.with(DRAWING, async ({ sandbox, via }) => {
      assert.is(via, 'golden-clone');
      assert.is((await drawIn(sandbox)).length, 10);
    });
    assert.is(lab.warnings.length, 1);
    assert.match(lab.warnings[0]!, warning);
    assert.is(lab.find(DRAWING.id), null);
    await lab.source.prepare(DRAWING, lab.signal);
    assert.ok((await stat(snapshotOf(lab, DRAWING).memory)).ctimeMs > ctimeMs);
    await lab.with(DRAWING, async ({ sandbox, via }) => {
      assert.is(via, 'function-clone');
      assert.is((await drawIn(sandbox)).length, 10);
    });
  });
}

/** Waits until there are machines. */
async function startedMachines(lab: CloneLab): Promise<number[]> {
  for (;;) {
    const found = lab.machines();
    if (found.length > 0) return found;
    await sleep(5);
  }
}

clones('of a snapshot that is given up half-way are none, and nothing of it is left', async ({ lab }) => {
  const version = versionWith(`given-up-${run}`, draws);
  const stop = new AbortController();
  const preparing = lab.source.prepare(version, stop.signal);
  // After the copy: in the restore, the load or the rehearsals.
  await startedMachines(lab);
  stop.abort(new Error('changed my mind'));
  const error = await preparing.then(
    () => null,
    (thrown: Error) => thrown,
  );
  assert.is(error?.message, 'changed my mind');
  assert.equal(lab.drafts(), []);
  assert.is(lab.find(version.id), null);
  assert.equal(lab.machines(), []);
});

clones('of a machine that died before it was saved are none, and nothing of it is left', async ({ lab }) => {
  const version = versionWith(`died-${run}`, draws);
  lab.warnings.length = 0;
  const preparing = lab.source.prepare(version, lab.signal);
  for (const pid of await startedMachines(lab)) process.kill(Number(pid), 'SIGKILL');
  await preparing;
  assert.match(lab.warnings.join(), `no snapshot of "${version.id}" could be made`);
  assert.equal(lab.drafts(), []);
  assert.equal(lab.machines(), []);
  assert.is(lab.find(version.id), null);
});

clones('that die while they start cost a rung, and the second in a row the snapshot', async ({ lab }) => {
  lab.warnings.length = 0;
  for (const [warning, isKept] of [
    [/a clone of a snapshot could not be started/, true],
    [/a snapshot of a machine was refused and removed/, false],
  ] as const) {
    const starting = lab.with(DRAWING, async ({ via }) => via);
    for (const pid of await startedMachines(lab)) process.kill(Number(pid), 'SIGKILL');
    assert.is(await starting, 'golden-clone');
    assert.match(lab.warnings.pop()!, warning);
    assert.equal(lab.warnings, []);
    assert.is(lab.find(DRAWING.id) !== null, isKept);
  }
});

async function ofOtherQemu({ manifest }: SnapshotPaths): Promise<void> {
  const parsed = JSON.parse(await readFile(manifest, 'utf8'));
  await writeFile(manifest, JSON.stringify({ ...parsed, conditions: { ...parsed.conditions, qemu: '99.0.0' } }));
}

clones.run();
