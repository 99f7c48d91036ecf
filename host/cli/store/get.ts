import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloudletClient, OpenedEntry } from '../../../guest-sdk/client/index.ts';
import { type EntryFile, runsOn } from '../../../guest-sdk/protocol/index.ts';
import { printable } from '../terminal/printable.ts';
import { showProgress } from '../terminal/progress.ts';
import { formatSize } from '../terminal/size.ts';
import { UsageError } from '../usage-error.ts';

/** Flags of `store get`. */
export interface GetFlags {
  readonly publisher?: readonly string[];
  readonly unsigned?: boolean;
  readonly output?: string;
  readonly os?: string;
  readonly osVersion?: string;
  readonly json?: boolean;
}

/** Fetches the files of an entry, each of which appears under its name only when its bytes are those that were signed. */
export async function getEntry(
  client: CloudletClient,
  name: string,
  flags: GetFlags,
  signal: AbortSignal,
): Promise<void> {
  const { publisher, unsigned, output = '.', os, osVersion, json } = flags;
  if ((publisher === undefined) !== (unsigned === true))
    throw new UsageError(
      'expected --publisher with the fingerprint of who must have signed it, or --unsigned to trust the cloudlet',
    );
  const entry = await client.store.open(name, { publishers: publisher ?? 'anyone' }, signal);
  const files = (entry.manifest.files ?? []).filter((file) => runsOn(file, { os, osVersion }));
  await mkdir(output, { recursive: true });
  for (const file of files) await fetchFile(entry, file, output, signal);
  if (json)
    return console.log(JSON.stringify({ name, publisher: entry.publisher, files: files.map((file) => file.name) }));
  console.log(`${name}  ${printable(entry.manifest.version)}  signed by ${entry.publisher ?? 'nobody'}`);
  for (const { name: file, bytes } of files) console.log(`  ${printable(join(output, file))}  (${formatSize(bytes)})`);
}

async function fetchFile(entry: OpenedEntry, file: EntryFile, folder: string, signal: AbortSignal): Promise<void> {
  // The names in a manifest are plain: none leaves the folder.
  const path = join(folder, file.name);
  const partial = `${path}.part`;
  const progress = showProgress(file.name);
  let handle: FileHandle | undefined;
  try {
    handle = await open(partial, 'w');
    progress.stage('fetching');
    let done = 0;
    for await (const piece of entry.file(file, signal)) {
      await handle.writeFile(piece);
      done += piece.length;
      progress.amount(done, file.bytes);
    }
    await handle.close();
    await rename(partial, path);
  } catch (error) {
    await handle?.close();
    await rm(partial, { force: true });
    throw error;
  } finally {
    progress.clear();
  }
}
