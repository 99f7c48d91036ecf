import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';
import type { BaseImage } from './base-image.ts';
import type { BuildProgress, BuildStage } from './build-image.ts';

const ENTRY = fileURLToPath(new URL('./main.ts', import.meta.url));

/** What the process is told. */
export interface ImageProcessOptions {
  /** Images lie in `images/` below it. */
  readonly cacheDir: string;
}

/** What the process says, one JSON line each; the last is `image` or `failed`. */
export type ImageMessage =
  | { readonly kind: 'progress'; readonly stage: BuildStage; readonly done: number; readonly total: number }
  | { readonly kind: 'image'; readonly image: BaseImage }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** `ensureImage` in a process of its own, for a host that serves meanwhile. The process ends when `signal` aborts. */
export function ensureImageApart(
  options: ImageProcessOptions & { readonly onProgress?: BuildProgress; readonly signal?: AbortSignal },
): Promise<BaseImage> {
  const { onProgress, signal, ...plain } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const child = spawn(process.execPath, [ENTRY, JSON.stringify(plain)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    let last: ImageMessage | null = null;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as ImageMessage;
      if (message.kind === 'progress') onProgress?.(message.stage, message.done, message.total);
      else last = message;
    });
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted === true) return reject(signal.reason);
      const end = last as ImageMessage | null;
      if (end?.kind === 'image') return resolve(end.image);
      if (end?.kind === 'failed') return reject(new CloudletError(end.code, end.message));
      const how = `${killedBy ?? `status ${code}`}: ${said.trim() || 'nothing was said'}`;
      reject(
        new CloudletError('sandbox-unavailable', `the base image could not be had; its process ended with ${how}`),
      );
    });
  });
}
