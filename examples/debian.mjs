/**
 * What the builds of native programs share: sources and packages of Debian, and a compiler for WASI. Plain Node, nothing to install for it.
 * Where Debian's files are is asked of apt, so that a computer's own mirror serves.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Downloads the source archive that a package is built from and unpacks it in `folder`, as new each time; bytes of another SHA-256 than
 * expected are refused.
 * @param {{ package: string, archive: string, sha256: string, folder: string }} source
 */
export async function debianSource({ package: name, archive, sha256, folder }) {
  const place = join(folder, archive);
  const kept = await readFile(place).catch(() => null);
  if (kept === null || sha256Of(kept) !== sha256) {
    const { stdout } = await run('apt-get', ['download', '--print-uris', name]).catch((error) => {
      throw new Error(`apt does not know the package ${name}; run: apt-get update`, { cause: error });
    });
    const address = /'([^']+)'/.exec(stdout)?.[1];
    if (address === undefined)
      throw new Error(`expected an address of ${name} from apt, got ${JSON.stringify(stdout)}`);
    const answer = await fetch(`${dirname(address)}/${encodeURIComponent(archive)}`);
    if (!answer.ok) throw new Error(`expected ${archive} beside ${address}, got status ${answer.status}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (sha256Of(bytes) !== sha256) throw new Error(`expected ${archive} of SHA-256 ${sha256}, got ${sha256Of(bytes)}`);
    await mkdir(folder, { recursive: true });
    await writeFile(`${place}.partial`, bytes);
    await rename(`${place}.partial`, place);
  }
  await run('tar', ['xf', archive], { cwd: folder });
}

/**
 * Downloads packages for this computer and unpacks them in `folder`; nothing is installed.
 * @param {readonly string[]} names
 * @param {string} folder
 */
export async function debianPackages(names, folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'archives'), { recursive: true });
  const archives = join(folder, 'archives');
  await run('apt-get', ['download', ...names], { cwd: archives });
  const { stdout } = await run('find', [archives, '-name', '*.deb']);
  for (const archive of stdout.trim().split('\n')) await run('dpkg-deb', ['-x', archive, folder]);
}

/** Larger than the linker's 64 KiB: these programs were written for stacks of megabytes, and the linker's would run into their data. */
const STACK_BYTES = 4 * 1024 * 1024;

/** The libc of WASI has no setjmp, and its headers would fall back on this computer's. These programs leave by it after fatal errors: they end instead. */
const SETJMP = `#pragma once
typedef int jmp_buf[1];
#define setjmp(place) ((void)(place), 0)
#define longjmp(place, value) ((void)(place), (void)(value), __builtin_trap())
`;

/**
 * Compiles C files to a WASI 0.1 core module, `output`, which a cloudlet takes as a component.
 * @param {{ files: readonly string[], flags: readonly string[], libraries?: readonly string[], output: string }} program
 */
export async function compileForWasi({ files, flags, libraries = [], output }) {
  const clang = await findClang();
  const objects = `${output}.objects`;
  await rm(objects, { recursive: true, force: true });
  await mkdir(objects, { recursive: true });
  await writeFile(join(objects, 'setjmp.h'), SETJMP);
  const compiled = files.map((file, at) => join(objects, `${at}-${basename(file)}.o`));
  const options = ['--target=wasm32-wasi', '-O2', '-std=gnu11', '-w', '-isystem', objects, ...flags, '-c'];
  // One after the other: a computer that is built on does other things, too.
  for (const [at, file] of files.entries()) await run(clang, [...options, file, '-o', compiled[at] ?? '']);
  const link = ['--target=wasm32-wasi', `-Wl,-z,stack-size=${STACK_BYTES}`, '-Wl,--stack-first', '-Wl,--strip-debug'];
  const partial = `${output}.partial`;
  await run(clang, [...link, ...compiled, '-lm', ...libraries, '-o', partial]);
  await rename(partial, output);
  await rm(objects, { recursive: true });
}

/**
 * Replaces text of a source that stands there once.
 * @param {string} file
 * @param {string} from
 * @param {string} to
 */
export async function edit(file, from, to) {
  const text = await readFile(file, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(`expected ${JSON.stringify(from)} once in ${file}, got it ${parts.length - 1} times`);
  await writeFile(file, parts.join(to));
}

async function findClang() {
  for (const name of ['clang-19', 'clang']) {
    const found = await run(name, ['--version']).then(
      () => true,
      () => false,
    );
    if (found) return name;
  }
  throw new Error('expected clang for WASI; run: apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc');
}

/** @param {Uint8Array} bytes */
function sha256Of(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
