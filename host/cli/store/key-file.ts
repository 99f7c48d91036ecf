import { readFile, writeFile } from 'node:fs/promises';
import {
  CloudletError,
  canonicalBytes,
  type EntryManifest,
  fingerprintOf,
  newPublisherKey,
  parsePublisherKey,
  signDetached,
} from '../../../guest-sdk/protocol/index.ts';

/** Makes a key, writes it to a file that only this user can read and that was not there, and gives its fingerprint. */
export async function writeNewKey(path: string): Promise<string> {
  const key = await newPublisherKey();
  await writeFile(path, `${JSON.stringify(key)}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new CloudletError(
        error.code === 'EEXIST' ? 'conflict' : 'request-invalid',
        `expected to make the key file ${path}, ${error.code === 'EEXIST' ? 'which is there already and may be a key in use' : `which cannot be written (${error.code})`}`,
        { cause: error },
      );
    },
  );
  return fingerprintOf(publicPart(key));
}

/** Signs a manifest with the key of a file; gives the detached JWS and the fingerprint. */
export async function signWithFile(
  manifest: EntryManifest,
  path: string,
): Promise<{ readonly signature: string; readonly fingerprint: string }> {
  let key: JsonWebKey;
  try {
    key = JSON.parse(await readFile(path, 'utf8')) as JsonWebKey;
  } catch (error) {
    throw new CloudletError(
      'request-invalid',
      `expected a private key as JWK in ${path}; make one with: npx cloudlet store keys new ${path}`,
      {
        cause: error,
      },
    );
  }
  const signature = await signDetached(canonicalBytes(manifest), key);
  return { signature, fingerprint: fingerprintOf(publicPart(key)) };
}

function publicPart({ kty, crv, x, y }: JsonWebKey): ReturnType<typeof parsePublisherKey> {
  return parsePublisherKey({ kty, crv, x, ...(y === undefined ? {} : { y }) });
}
