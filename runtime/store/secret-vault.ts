import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CloudletError, type FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { Registry } from './registry.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Values by the names of secrets. */
type Values = ReadonlyMap<string, string>;

/**
 * The secrets of functions. On the disk they are sealed with AES-256-GCM under a key that lies in a file of its own, each bound to
 * its function and name; who copies the registry alone has none of them. They go with their function.
 */
export class SecretVault {
  readonly #registry: Registry;
  readonly #key: Buffer;
  /** Opened values: every invocation asks for the names. */
  readonly #opened = new Map<FunctionName, Values>();

  /** `key`: 32 bytes in base64url. `storage-corrupt` when it is none. */
  constructor(registry: Registry, key: string) {
    this.#registry = registry;
    this.#key = Buffer.from(key.trim(), 'base64url');
    if (this.#key.length !== 32) {
      throw new CloudletError(
        'storage-corrupt',
        'expected 32 bytes of key in base64url in secrets-key; put the file back, or remove it with all secrets',
      );
    }
  }

  /** A new key, as text. */
  static newKey(): string {
    return `${randomBytes(32).toString('base64url')}\n`;
  }

  /** Sets a secret, in place of an earlier value. `function-unknown` when there is no such function. */
  set(name: FunctionName, key: string, value: string): void {
    this.#registry.get(name);
    this.#registry.secrets.write(name, key, this.#seal(name, key, value));
    this.#opened.delete(name);
  }

  /** Removes a secret; `secret-unknown` when it is not set. */
  remove(name: FunctionName, key: string): void {
    this.#opened.delete(name);
    this.#registry.get(name);
    if (this.#registry.secrets.remove(name, key)) return;
    throw new CloudletError(
      'secret-unknown',
      `expected a secret of "${name}" that is set, got ${JSON.stringify(key.slice(0, 64))}`,
    );
  }

  /** All secrets of a function by name; `storage-corrupt` when one cannot be opened. Never log them. */
  of(name: FunctionName): Values {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const opened = new Map(
      this.#registry.secrets.list(name).map(({ key, sealed }) => [key, this.#open(name, key, sealed)]),
    );
    this.#opened.set(name, opened);
    return opened;
  }

  /** A function is gone, and its secrets with it. */
  forget(name: FunctionName): void {
    this.#opened.delete(name);
  }

  #seal(name: FunctionName, key: string, value: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(placeOf(name, key));
    const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  #open(name: FunctionName, key: string, bytes: Uint8Array): string {
    const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)];
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(placeOf(name, key)).setAuthTag(tag);
      const rest = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8');
    } catch (error) {
      throw new CloudletError(
        'storage-corrupt',
        `the secret "${key}" of "${name}" cannot be opened with secrets-key; set it again: npx cloudlet secret set ${name} ${key}`,
        { cause: error },
      );
    }
  }
}

/** A sealed value is of no use in another place. */
function placeOf(name: FunctionName, key: string): Buffer {
  return Buffer.from(`${name}/${key}`);
}
