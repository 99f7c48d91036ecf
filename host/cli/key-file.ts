import { readFile, writeFile } from 'node:fs/promises';
import {
  CloudletError,
  fingerprintOf,
  newPublisherKey,
  publicPartOf,
  type SignatureType,
  signDetached,
} from '../../guest-sdk/protocol/index.ts';

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
  return fingerprintOf(publicPartOf(key));
}

/** The private key (JWK) of a file, with the fingerprint of its public one. */
export async function readKey(path: string): Promise<{ readonly key: JsonWebKey; readonly fingerprint: string }> {
  try {
    const key = JSON.parse(await readFile(path, 'utf8')) as JsonWebKey;
    return { key, fingerprint: fingerprintOf(publicPartOf(key ?? {})) };
  } catch (error) {
    throw new CloudletError(
      'request-invalid',
      `expected a private key as JWK in ${path}; make one with: npx cloudlet store keys new ${path}`,
      { cause: error },
    );
  }
}

/** Signs bytes with the key of a file; gives the detached JWS and the fingerprint. */
export async function signWithFile(
  payload: Uint8Array,
  type: SignatureType,
  path: string,
): Promise<{ readonly signature: string; readonly fingerprint: string }> {
  const { key, fingerprint } = await readKey(path);
  return { signature: await signDetached(payload, key, type), fingerprint };
}
