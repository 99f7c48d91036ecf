import { readFile } from 'node:fs/promises';

/** What a test needs to be given. */
export interface TestNeeds {
  readonly wasm: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Folder whose content the guest finds in a scratch directory at `/`; null for none. */
  readonly root: string | null;
  /** Addresses that it may send requests to. */
  readonly http: readonly string[];
  readonly sockets: boolean;
}

/** The body of the publish of a test. */
export async function packTest(
  needs: TestNeeds,
): Promise<{ body: Uint8Array<ArrayBuffer>; headers: Record<string, string> }> {
  if (needs.root !== null || Object.keys(needs.environment).length > 0)
    throw new Error('it asks for files or an environment, which only a package can bring');
  return { body: new Uint8Array(await readFile(needs.wasm)), headers: { 'content-type': 'application/wasm' } };
}
