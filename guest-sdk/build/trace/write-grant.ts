import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CloudletError, type GrantRequest, parseGrant } from '../../protocol/index.ts';
import { isAbsent, readDocument } from '../document.ts';
import { PROJECT_FILE, readFirstIn, readGrant } from '../project.ts';
import type { CopiedFile } from './file-grants.ts';
import { grantOfTrace, type TracedGrant } from './grant-of-trace.ts';
import type { Trace } from './open-trace.ts';
import { grantChanges, type KeyChange, withGrant } from './project-text.ts';
import { readFirstOfTrace } from './read-first.ts';
import type { TraceRecord } from './trace-record.ts';

/** What would be written, and where. */
export interface GrantPlan {
  /** The project file. */
  readonly path: string;
  readonly changes: readonly KeyChange[];
  readonly traced: TracedGrant;
  /** Writes it: copies first, then the file, which appears whole or not at all. */
  write(): Promise<void>;
}

/** Compares the grant that a record needs with the project file at `path`, by default that of the project, and gets ready to write it there. */
export async function planGrant(
  { name, folder, component }: Pick<Trace, 'name' | 'folder' | 'component'>,
  record: TraceRecord,
  path = join(folder, PROJECT_FILE),
): Promise<GrantPlan> {
  const text = await readDocument(path).catch((error: Error) => {
    if (isAbsent(error)) return null;
    throw new CloudletError('project-invalid', `expected a project file at ${path}, ${error.message}`, {
      cause: error,
    });
  });
  const before: GrantRequest = text === null ? {} : await readGrant(path);
  const firstBefore = text === null ? [] : await readFirstIn(path);
  const place = dirname(resolve(path));
  const inner = relative(place, resolve(component));
  const sources = Object.entries(record.sources).map(([guest, source]) => [guest, placed(folder, place, source)]);
  const needed = await grantOfTrace({ ...record, sources: Object.fromEntries(sources) }, before, place);
  // What an earlier trace copied is there.
  const absent = await Promise.all(needed.copies.map((copy) => isCopied(place, copy).then((is) => !is)));
  const copies = needed.copies.filter((_, at) => absent[at]);
  const withheld = await withheldFiles(place, copies);
  const notes =
    withheld.length === 0
      ? needed.notes
      : [
          `not everybody on this computer may read these, and everybody who gets the package may: ${withheld.join(', ')}`,
          ...needed.notes,
        ];
  const traced = { ...needed, copies, notes };
  parseGrant(traced.grant, 'the traced grant');
  const base = { name, component: inner.startsWith('..') ? basename(component) : inner };
  const readFirst = readFirstOfTrace(record.readOrder, traced.grant);
  return {
    ...{ path, traced, changes: [...grantChanges(before, traced.grant), ...firstChange(firstBefore, readFirst)] },
    async write() {
      for (const { source, target } of traced.copies) {
        await mkdir(dirname(join(place, target)), { recursive: true });
        await copyFile(resolve(place, source), join(place, target));
      }
      const partial = `${path}.${process.pid}.partial`;
      try {
        await writeFile(partial, withGrant(text, traced.grant, base, readFirst), { flag: 'wx' });
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
  };
}

function firstChange(before: readonly string[], after: readonly string[]): KeyChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const orNull = (list: readonly string[]) => (list.length === 0 ? null : list);
  return [{ key: 'readFirst', before: orNull(before), after: orNull(after) }];
}

/** What is copied from elsewhere and not for everybody to read, such as keys. */
async function withheldFiles(place: string, copies: readonly CopiedFile[]): Promise<string[]> {
  const modes = await Promise.all(
    copies.map(({ source }) =>
      stat(resolve(place, source)).then(
        ({ mode }) => mode,
        () => READABLE,
      ),
    ),
  );
  return copies.filter((_, at) => (modes[at]! & READABLE) === 0).map(({ source }) => source);
}

/** The bit of a mode by which others may read. */
const READABLE = 0o004;

/** A source of a record, which is below `folder` or absolute, as a project in `place` names it. */
function placed(folder: string, place: string, source: string): string {
  const inner = relative(place, resolve(folder, source));
  return inner === '' || inner.startsWith('..') ? resolve(folder, source) : inner;
}

async function isCopied(place: string, { source, target }: CopiedFile): Promise<boolean> {
  const [from, to] = await Promise.all(
    [source, target].map((path) => readFile(resolve(place, path)).catch((error: NodeJS.ErrnoException) => error)),
  );
  // A source that is gone since it was traced must be copied no more than one that is the same, if there is a copy.
  return Buffer.isBuffer(to) && (!Buffer.isBuffer(from) || from.equals(to));
}
