import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asDatabaseError } from '../store/index.ts';
import { blobServices } from './blobs/blob-services.ts';
import { ObjectStore } from './blobs/object-store.ts';
import { FunctionAccount } from './function-account.ts';
import { keyValueServices } from './keyvalue/key-value-services.ts';
import { KeyValueStore } from './keyvalue/key-value-store.ts';
import type { OutsideServices } from './outside-service.ts';
import { Removals } from './removals.ts';

/** Whose store, and how many bytes it may have. */
export interface StoreGrant {
  readonly functionName: string;
  readonly quotaBytes: number;
}

/** What a function was granted of each store; null for nothing. */
export interface StoresGrant {
  readonly keyvalue: { readonly bytes: number } | null;
  readonly blobs: { readonly bytes: number } | null;
}

/** Bytes that stores have, as quotas count them. */
export interface StoreUsage {
  readonly keyValueBytes: number;
  readonly blobBytes: number;
}

/** What functions keep from one invocation to the next: keys with values, and objects in containers. */
export class Stores {
  readonly #keyValue: KeyValueStore;
  readonly #objects: ObjectStore;
  readonly #removals: Removals;
  readonly #accounts = new Map<string, FunctionAccount>();
  /** Services that were made last: every invocation asks for them. */
  readonly #made = new WeakMap<FunctionAccount, Map<string, OutsideServices>>();

  private constructor(keyValue: KeyValueStore, objects: ObjectStore) {
    this.#keyValue = keyValue;
    this.#objects = objects;
    this.#removals = new Removals([keyValue, objects]);
  }

  /**
   * Opens or makes the stores of a data directory, which the caller has locked, and removes, little by little, what belongs to no function: one
   * that was being removed when the host was killed.
   */
  static async open(
    dataDir: string,
    {
      isFunction,
      nowS = () => Math.floor(Date.now() / 1000),
    }: { isFunction: (name: string) => boolean; nowS?: () => number },
  ): Promise<Stores> {
    const directory = join(dataDir, 'stores');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, 'keyvalue.sqlite');
    let keyValue: KeyValueStore | undefined;
    let objects: ObjectStore | undefined;
    try {
      keyValue = KeyValueStore.open(file);
      objects = await ObjectStore.open(join(directory, 'blobs'), { nowS });
      const stores = new Stores(keyValue, objects);
      for (const name of stores.#functionNames()) if (!isFunction(name)) stores.removeFunction(name);
      stores.#removals.begin();
      return stores;
    } catch (error) {
      keyValue?.close();
      objects?.close();
      throw asDatabaseError(error, directory);
    }
  }

  /** The services of the stores that a function was granted. */
  services(functionName: string, { keyvalue, blobs }: StoresGrant): OutsideServices {
    return {
      ...(keyvalue === null ? {} : this.keyValueServices({ functionName, quotaBytes: keyvalue.bytes })),
      ...(blobs === null ? {} : this.blobServices({ functionName, quotaBytes: blobs.bytes })),
    };
  }

  /** The services of `wasi:keyvalue` for a function. */
  keyValueServices({ functionName, quotaBytes }: StoreGrant): OutsideServices {
    const account = this.#account(functionName);
    return this.#once(account, `keyvalue ${quotaBytes}`, () =>
      keyValueServices(this.#keyValue, { account, quotaBytes }),
    );
  }

  /** The services of `wasi:blobstore` for a function. */
  blobServices({ functionName, quotaBytes }: StoreGrant): OutsideServices {
    const account = this.#account(functionName);
    return this.#once(account, `blobs ${quotaBytes}`, () => blobServices(this.#objects, { account, quotaBytes }));
  }

  /** What a function has. */
  usage(functionName: string): StoreUsage {
    return {
      keyValueBytes: this.#keyValue.usage(functionName),
      blobBytes: this.#objects.table.usage(functionName),
    };
  }

  /** What all functions have together. */
  totalUsage(): StoreUsage {
    return { keyValueBytes: this.#keyValue.totalUsage(), blobBytes: this.#objects.table.totalUsage() };
  }

  /** Removes all that a function has, at once for everybody who looks and little by little from the disk; services that were made for it refuse from now on. */
  removeFunction(functionName: string): void {
    this.#accounts.get(functionName)?.close();
    this.#accounts.delete(functionName);
    this.#removals.remove(functionName);
  }

  /** Resolves when nothing is left of what was removed. */
  get settled(): Promise<void> {
    return this.#removals.settled;
  }

  /** Idempotent. */
  close(): void {
    this.#removals.close();
    this.#keyValue.close();
    this.#objects.close();
  }

  #functionNames(): Set<string> {
    return new Set([...this.#keyValue.functionNames(), ...this.#objects.table.functionNames()]);
  }

  #once(account: FunctionAccount, what: string, make: () => OutsideServices): OutsideServices {
    let made = this.#made.get(account);
    if (made === undefined) {
      made = new Map();
      this.#made.set(account, made);
    }
    let services = made.get(what);
    if (services === undefined) {
      services = make();
      made.set(what, services);
    }
    return services;
  }

  /** One for all services of a function: its limits are for all of its instances together. */
  #account(functionName: string): FunctionAccount {
    let account = this.#accounts.get(functionName);
    if (account === undefined) {
      account = new FunctionAccount(functionName);
      this.#accounts.set(functionName, account);
    }
    return account;
  }
}
