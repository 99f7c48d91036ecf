import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GrantRequest, PACKAGE_TYPES, writePackage } from '../../../guest-sdk/protocol/index.ts';

/** What a test needs to be given. */
export interface TestNeeds {
  readonly wasm: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Folder whose content the guest finds in a scratch directory at `/`; null for none. */
  readonly root: string | null;
  /** Addresses that it may send requests to. */
  readonly http: readonly string[];
  /** Whether it may use sockets, on the loopback. */
  readonly sockets: boolean;
  /** How long an invocation of it may take and compute: whether it is right is asked, not how fast an emulated machine is. */
  readonly timeMs: number;
}

/** The folder of a package in which the files of a test's root travel. */
const ROOT_FOLDER = 'root';

/** Bytes that a test may write. */
const SCRATCH_BYTES = 32 * 1024 * 1024;

/** The body of the publish of a test: a package with all that it needs. */
export async function packTest(needs: TestNeeds): Promise<{ body: Blob; headers: Record<string, string> }> {
  const files = needs.root === null ? [] : await filesOf(needs.root);
  const { pieces } = await writePackage({
    component: new Uint8Array(await readFile(needs.wasm)),
    grant: grantOf(needs, files.length > 0),
    files: files.map(([path, bytes]) => [`${ROOT_FOLDER}/${path}`, bytes] as const),
  });
  return { body: new Blob(pieces as Uint8Array<ArrayBuffer>[]), headers: { 'content-type': PACKAGE_TYPES[0] } };
}

/** What a test asks for, as a project's `cloudlet.json` would. */
export function grantOf(needs: Omit<TestNeeds, 'wasm'>, hasFiles: boolean): GrantRequest {
  return {
    environment: needs.environment,
    ...(needs.root === null
      ? {}
      : { scratch: { path: '/', bytes: SCRATCH_BYTES, ...(hasFiles ? { from: ROOT_FOLDER } : {}) } }),
    // A test that imports what it is not given asks what it finds then.
    http: [...needs.http],
    sockets: needs.sockets
      ? { tcp: ['127.0.0.1:*', '[::1]:*'], udp: ['127.0.0.1:*', '[::1]:*'], lookup: true, listen: true }
      : {},
    configuration: {},
    limits: { deadlineMs: needs.timeMs, cpuMs: needs.timeMs },
  };
}

/** All files below a folder by their paths, without what earlier runs of a suite left there. */
async function filesOf(folder: string): Promise<[string, Uint8Array][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: [string, Uint8Array][] = [];
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.endsWith('.cleanup')) continue;
    const file = join(entry.parentPath, entry.name);
    files.push([file.slice(folder.length + 1), new Uint8Array(await readFile(file))]);
  }
  return files;
}
