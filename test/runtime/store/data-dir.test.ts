import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type ErrorCode } from '../../../guest-sdk/protocol/index.ts';
import { cloudletId, DataDir } from '../../../runtime/store/index.ts';

const dataDir = suite('data directory');
let directory: string;
let path: string;
const HOLDER = join(import.meta.dirname, 'hold-data-dir.ts');

dataDir.before.each(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudlet-data-'));
  path = join(directory, 'data');
});
dataDir.after.each(() => rm(directory, { recursive: true }));

async function refused(work: Promise<unknown>, code: ErrorCode, sentence: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, code);
  assert.match((error as CloudletError).message, sentence);
}

async function holder(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return child;
}

const mode = async (name: string): Promise<number> => (await stat(join(path, name))).mode & 0o777;

dataDir('only its owner can read it, and identity and token survive reopening', async () => {
  const first = await DataDir.open(path);
  const { id, ownerToken } = first.identity;
  first.close();
  first.close();
  assert.match(id, /^cl-[0-9a-f]{8}$/);
  assert.match(ownerToken, /^[A-Za-z0-9_-]{43}$/);
  assert.is(await mode('.'), 0o700);
  for (const name of ['owner-token', 'identity-key.pem']) assert.is(await mode(name), 0o600);
  await chmod(path, 0o755);
  await chmod(join(path, 'owner-token'), 0o644);
  const second = await DataDir.open(path);
  second.close();
  assert.is(second.identity.id, id);
  assert.is(second.identity.ownerToken, ownerToken);
  assert.is(cloudletId(second.identity.publicKey), id);
  assert.is(await mode('.'), 0o700);
  assert.is(await mode('owner-token'), 0o600);
});

dataDir('a second open in the same process is refused', async () => {
  const first = await DataDir.open(path);
  await refused(DataDir.open(path), 'conflict', new RegExp(`in use by pid ${process.pid}; stop it or use --data$`));
  first.close();
});

dataDir('a second process is refused by the number of the first, and gets in once that was killed', async () => {
  const child = await holder();
  try {
    await refused(DataDir.open(path), 'conflict', new RegExp(`in use by pid ${child.pid}; stop it or use --data$`));
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const opened = await DataDir.open(path);
  opened.close();
});

dataDir('the number of a dead holder that now belongs to a living process locks nothing', async () => {
  (await DataDir.open(path)).close();
  await writeFile(join(path, 'lock-holder'), `${process.ppid}\n`);
  (await DataDir.open(path)).close();
  assert.is(await readFile(join(path, 'lock-holder'), 'utf8'), `${process.pid}\n`);
});

dataDir('a directory of another format is refused and left alone', async () => {
  (await DataDir.open(path)).close();
  await writeFile(join(path, 'format'), 'cloudlet-data 2\n');
  await refused(DataDir.open(path), 'conflict', /found "cloudlet-data 2"/);
  assert.is(await readFile(join(path, 'format'), 'utf8'), 'cloudlet-data 2\n');
});

dataDir('a file where the directory should be is told, with the remedy', async () => {
  await writeFile(path, 'a file');
  await refused(DataDir.open(path), 'storage-unavailable', /data, got EEXIST; .* use --data/);
  await refused(DataDir.open(join(path, 'below')), 'storage-unavailable', /below, got ENOTDIR/);
});

dataDir('a directory that others use is refused, and its mode and content stay', async () => {
  await mkdir(path);
  await chmod(path, 0o755);
  await writeFile(join(path, 'letter.txt'), 'dear');
  await refused(DataDir.open(path), 'storage-unavailable', /found "letter.txt" in it; use --data/);
  assert.is(await mode('.'), 0o755);
  assert.equal(await readdir(path), ['letter.txt']);
});

dataDir('an empty directory, and one where only keys lie, are taken', async () => {
  await mkdir(path);
  const first = await DataDir.open(path);
  first.close();
  const token = await readFile(join(path, 'owner-token'));
  const other = join(directory, 'other');
  await mkdir(other);
  await writeFile(join(other, 'owner-token'), token);
  await writeFile(join(other, 'lock-holder'), '1\n');
  const second = await DataDir.open(other);
  second.close();
  assert.is(second.identity.ownerToken, first.identity.ownerToken);
});

dataDir('a directory in place of a file is told', async () => {
  await mkdir(join(path, 'format'), { recursive: true });
  await refused(DataDir.open(path), 'storage-unavailable', /got EISDIR/);
});

for (const [what, damage] of [
  ['no database', (bytes: Buffer) => bytes.fill('garbage', 0, 100)],
  ['a damaged one', (bytes: Buffer) => bytes.fill(0xa5, 100, 4096)],
] as const) {
  dataDir(`a registry that is ${what} is told, with the remedy`, async () => {
    (await DataDir.open(path)).close();
    const file = join(path, 'registry.sqlite');
    await writeFile(file, damage(await readFile(file)));
    await refused(DataDir.open(path), 'storage-corrupt', /whole database in .*registry\.sqlite.*; restore it/);
    await rm(file);
    (await DataDir.open(path)).close();
  });
}

for (const [file, sentence] of [
  ['owner-token', /expected 43 characters of base64url in .*owner-token/],
  ['identity-key.pem', /expected a private key in PEM in .*identity-key.pem/],
] as const) {
  dataDir(`a damaged ${file} is refused, and its content is not in the sentence`, async () => {
    (await DataDir.open(path)).close();
    await writeFile(join(path, file), 'hunter2');
    const error = await DataDir.open(path).catch((thrown: Error) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'storage-corrupt');
    assert.match((error as CloudletError).message, sentence);
    assert.not.match((error as CloudletError).message, /hunter2/);
    await rm(join(path, file));
    (await DataDir.open(path)).close();
  });
}

dataDir('blobs that no version names are collected at opening', async () => {
  const first = await DataDir.open(path);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('nobody registers this');
  }
  await first.blobs.write(body(), { limitBytes: 100 });
  assert.equal(await first.collectGarbage(), [], 'its writer holds it');
  first.close();
  const second = await DataDir.open(path);
  assert.equal(await second.blobs.list(), []);
  second.close();
});

dataDir.run();
