/**
 * The operating system that jco's tools run on, which are WebAssembly components themselves: ours, with nothing granted but
 * stderr. Has the exports of the shim that the tools import; that one would start a thread, and offer them files and network.
 */
import { writeSync } from 'node:fs';
import {
  type ByteSink,
  createWasi,
  DEFAULT_LIMITS,
  discardSink,
  emptySource,
  systemClock,
  webRandom,
} from '../../wasi/index.ts';

const STDERR = 2;
/** Where a tool that panics says why. */
const stderrSink: ByteSink = { ...discardSink, write: (bytes) => void writeSync(STDERR, bytes) };

const { imports } = createWasi({
  environment: [],
  arguments: [],
  configuration: [],
  stdin: emptySource,
  stdout: discardSink,
  stderr: stderrSink,
  log: () => {},
  clock: systemClock,
  random: webRandom,
  files: null,
  keyValue: null,
  blobs: null,
  httpClient: null,
  network: null,
  limits: DEFAULT_LIMITS,
});

export const environment = imports['wasi:cli/environment'];
export const exit = imports['wasi:cli/exit'];
export const stderr = imports['wasi:cli/stderr'];
export const stdin = imports['wasi:cli/stdin'];
export const stdout = imports['wasi:cli/stdout'];
export const terminalInput = imports['wasi:cli/terminal-input'];
export const terminalOutput = imports['wasi:cli/terminal-output'];
export const terminalStderr = imports['wasi:cli/terminal-stderr'];
export const terminalStdin = imports['wasi:cli/terminal-stdin'];
export const terminalStdout = imports['wasi:cli/terminal-stdout'];
export const preopens = imports['wasi:filesystem/preopens'];
export const types = imports['wasi:filesystem/types'];
export const error = imports['wasi:io/error'];
export const streams = imports['wasi:io/streams'];
export const random = imports['wasi:random/random'];
