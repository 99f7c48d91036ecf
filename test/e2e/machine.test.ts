// time limit: 400 s
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { decodeMessage, encodeFrame, FrameReader, type ReadyMessage } from '../../runtime/agent/wire.ts';
import { ensureImage } from '../../runtime/image/catalogue.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { ended } from '../support/process-tree.ts';

const BOOT_AND_WAIT = fileURLToPath(new URL('../support/boot-and-wait.ts', import.meta.url));

const machines = suite('a real machine');

machines('says it is ready, answers a ping, and ends', async () => {
  const machine = await bootTestMachine();
  const reader = new FrameReader();
  const kinds: string[] = [];
  try {
    for await (const bytes of machine.channel) {
      for (const { kind, id, payload } of reader.push(bytes as Uint8Array)) {
        kinds.push(kind);
        if (kind === 'ready') {
          assert.is((decodeMessage(payload) as ReadyMessage).node, process.version);
          machine.channel.write(encodeFrame('ping', 7, Buffer.from('echo')));
        } else {
          assert.is(id, 7);
          assert.is(Buffer.from(payload).toString(), 'echo');
        }
      }
      if (kinds.includes('pong')) break;
    }
    assert.equal(kinds, ['ready', 'pong']);
  } finally {
    await machine.close();
  }
  assert.not.ok(existsSync(`/proc/${machine.pid}`));
});

machines('runs without privileges, behind a seccomp filter, with no network device', async () => {
  const machine = await bootTestMachine();
  try {
    const status = readFileSync(`/proc/${machine.pid}/status`, 'utf8');
    assert.match(status, /Name:\sqemu-system-x86/);
    assert.match(status, /CapEff:\s0000000000000000/);
    assert.match(status, /NoNewPrivs:\s1/);
    assert.match(status, /Seccomp:\s2/);
    if (process.getuid?.() === 0) assert.not.match(status, /Uid:.*\s0\s/);
    const words = readFileSync(`/proc/${machine.pid}/cmdline`, 'utf8').split('\0');
    assert.not.ok(words.some((word) => /^-?(netdev|nic|net)$|virtio-net/.test(word)));
  } finally {
    await machine.close();
  }
});

machines('dies with its host, even when that is killed', async () => {
  const host = spawn(process.execPath, [BOOT_AND_WAIT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(host.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(existsSync(`/proc/${pid}`));
  host.kill('SIGKILL');
  await once(host, 'exit');
  await ended(pid);
});

const images = suite('a base image');

images('is built from nothing by one of several who want it, and again when its bytes changed', async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'cloudlet-image-'));
  const agentEntry = join(cacheDir, 'agent.ts');
  await writeFile(agentEntry, 'process.stdout.write("an agent that says nothing");\n');
  try {
    const stages: string[] = [];
    const onProgress = (stage: string) => stages.push(stage);
    const [first, second] = await Promise.all([
      ensureImage({ cacheDir, agentEntry, onProgress }),
      ensureImage({ cacheDir, agentEntry, onProgress }),
    ]);
    assert.equal(stages, ['packages', 'kernel', 'initrd', 'root']);
    assert.is(first.digest, second.digest);
    const before = first.manifest.files;

    stages.length = 0;
    await ensureImage({ cacheDir, agentEntry, onProgress });
    assert.equal(stages, [], 'nothing is built again');

    await appendFile(first.initrd, 'x');
    const rebuilt = await ensureImage({ cacheDir, agentEntry, onProgress });
    assert.is(stages.length, 4);
    assert.equal(rebuilt.manifest.files, before, 'the same inputs give the same bytes');
    const names = (await readdir(join(cacheDir, 'images'))).filter((name) => /[0-9a-f]{64}/.test(name));
    assert.equal(names, [first.digest], 'nothing half-built is left');

    // Debian has a newer kernel, which cannot be downloaded: the image at hand serves on.
    assert.is(rebuilt.outdated, undefined);
    const memo = join(cacheDir, 'images', 'memo.json');
    const known = JSON.parse(await readFile(memo, 'utf8'));
    known.kernel.found.version = '999.0-1';
    await writeFile(memo, JSON.stringify(known));
    const older = await ensureImage({ cacheDir, agentEntry });
    assert.is(older.digest, first.digest);
    assert.match(
      older.outdated!,
      /of the guest kernel is used: the base image could not be built: apt-get download failed/,
    );

    // Another agent cannot do with it.
    await writeFile(agentEntry, 'process.stdout.write("another agent");\n');
    const error = await ensureImage({ cacheDir, agentEntry }).catch((thrown: CloudletError) => thrown);
    assert.is((error as CloudletError).code, 'sandbox-unavailable');
  } finally {
    await rm(cacheDir, { recursive: true });
  }
});

machines.run();
images.run();
