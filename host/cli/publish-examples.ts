import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { packBuilt } from '../../guest-sdk/build/pack.ts';
import { asCloudletError, type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
import type { Cloudlet } from '../../runtime/index.ts';
import { buildApart } from './build-apart.ts';
import { type KeptBuild, keptBuild, programBuild } from './kept-build.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** Where examples go, and from where. */
export interface ExamplesToPublish {
  readonly cloudlet: Pick<Cloudlet, 'publish' | 'functions'>;
  /** Takes one line for people. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Folder with one project in each folder. */
  readonly folder?: string;
}

/**
 * Publishes every example, building those whose sources changed since. One that cannot be built or published is skipped with the
 * reason: examples never keep a host from serving. Those that have a build of their own are named in one line until it was run. A component that its function already has, as whatever version, is left alone:
 * a rollback outlives a restart.
 */
export async function publishExamples({ cloudlet, say, signal, folder = EXAMPLES }: ExamplesToPublish): Promise<void> {
  // An installation without examples has none to publish.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => each.isDirectory()).map((each) => each.name);
  const absent: string[] = [];
  for (const name of names.sort()) {
    if (signal.aborted) return;
    try {
      const program = await programBuild(join(folder, name));
      if (program === 'absent') {
        absent.push(name);
        continue;
      }
      const kept = program ?? (await exampleBuild(join(folder, name), (line) => say(`${name}: ${line}`), signal));
      const packed = await packBuilt(join(folder, name), kept.component);
      if (await isPublished(cloudlet, parseName(name), (packed ?? kept).digest)) continue;
      const body = packed === null ? createReadStream(kept.component) : Readable.from(packed.pieces);
      const options = {
        contentLength: (packed ?? kept).sizeBytes,
        ...(packed === null ? { digest: kept.digest } : {}),
        signal,
      };
      const published = await cloudlet.publish(parseName(name), body, options);
      say(`published ${name}, version ${published.version}`);
    } catch (error) {
      const { code, message } = asCloudletError(error);
      // The host stops: what did not get done is done at the next start.
      if (signal.aborted || code === 'draining') return;
      say(`${name} skipped: ${message}`);
    }
  }
  if (absent.length > 0)
    say(`not built here: ${absent.join(', ')}, native programs; run: npx cloudlet build examples/${absent[0]}`);
}

async function exampleBuild(folder: string, say: (line: string) => void, signal: AbortSignal): Promise<KeptBuild> {
  const kept = await keptBuild(folder);
  if (kept !== null) return kept;
  say('building');
  return await buildApart(folder, signal);
}

async function isPublished(
  cloudlet: Pick<Cloudlet, 'functions'>,
  name: FunctionName,
  digest: string,
): Promise<boolean> {
  const found = (await cloudlet.functions()).find((each) => each.name === name);
  return found?.versions.some((version) => version.digest === digest) === true;
}
