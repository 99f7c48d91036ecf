import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { join } from 'node:path';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { secretFile } from './secret-file.ts';

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Who a cloudlet is, for as long as its data directory lives. */
export interface Identity {
  /** `cl-` and 8 hexadecimal digits: the start of the SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
  readonly id: string;
  /** ES256 (P-256) key that signs for the cloudlet. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER), base64url: what devices pin. */
  readonly fingerprint: string;
  /** 32 random bytes in base64url: who has it may do everything. */
  readonly ownerToken: string;
}

/** Reads the identity kept in `directory`, and makes what is missing: `identity-key.pem` and `owner-token`, both mode 0600. */
export async function openIdentity(directory: string): Promise<Identity> {
  const keyPath = join(directory, 'identity-key.pem');
  const pem = await secretFile(keyPath, newKey);
  const tokenPath = join(directory, 'owner-token');
  const ownerToken = (await secretFile(tokenPath, () => `${randomBytes(32).toString('base64url')}\n`)).trim();
  if (!TOKEN.test(ownerToken)) throw unreadable(tokenPath, '43 characters of base64url');
  const privateKey = readKey(pem, keyPath);
  const publicKey = createPublicKey(privateKey);
  const fingerprint = digestKey(publicKey).toString('base64url');
  return { id: cloudletId(publicKey), privateKey, publicKey, fingerprint, ownerToken };
}

/** The id of the cloudlet that has this public key. */
export function cloudletId(publicKey: KeyObject): string {
  return `cl-${digestKey(publicKey).toString('hex').slice(0, 8)}`;
}

function digestKey(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function readKey(pem: string, path: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw unreadable(path, 'a private key in PEM', error);
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw unreadable(path, 'a P-256 key');
  return key;
}

/** The secret itself stays out of the sentence. */
function unreadable(path: string, expected: string, cause?: unknown): CloudletError {
  return new CloudletError(
    'storage-corrupt',
    `expected ${expected} in ${path}, found something else; restore the file, or remove it to get a new one`,
    { cause },
  );
}
