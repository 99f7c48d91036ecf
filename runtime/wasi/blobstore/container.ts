import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { askBlobs, checkName } from './asking.ts';
import { type BlobBackend, DELETE_OBJECTS } from './blob-backend.ts';
import { IncomingValue } from './incoming-value.ts';
import { ObjectNames } from './object-names.ts';
import { type OutgoingValue, writeValue } from './outgoing-value.ts';

/** `wasi:blobstore/container`'s resource `container`. */
export class Container {
  readonly #context: Context;
  readonly #name: string;
  #dropped = false;

  constructor(context: Context, name: string) {
    context.retain();
    this.#context = context;
    this.#name = name;
  }

  name(): string {
    return this.#name;
  }

  async info(): Promise<{ readonly name: string; readonly createdAt: bigint }> {
    const facts = await this.#ask((backend, name) => backend.container(name));
    if (facts === undefined) throw noContainer(this.#name);
    return { name: this.#name, createdAt: BigInt(facts.createdAtS) };
  }

  async getData(object: string, start: bigint, end: bigint): Promise<IncomingValue> {
    checkName(object);
    if (start > end) throw `expected a start that is not behind the end, got ${start} and ${end}`;
    const download = await this.#ask((backend, container) => backend.download({ container, object }, start, end));
    return new IncomingValue(this.#context, download);
  }

  async writeData(object: string, data: OutgoingValue): Promise<void> {
    checkName(object);
    await writeValue(data, { container: this.#name, object });
  }

  async listObjects(): Promise<ObjectNames> {
    const facts = await this.#ask((backend, name) => backend.container(name));
    if (facts === undefined) throw noContainer(this.#name);
    return new ObjectNames(this.#context, this.#name);
  }

  async deleteObject(object: string): Promise<void> {
    await this.deleteObjects([object]);
  }

  async deleteObjects(names: readonly string[]): Promise<void> {
    if (names.length > DELETE_OBJECTS) throw `expected at most ${DELETE_OBJECTS} objects, got ${names.length}`;
    for (const name of names) checkName(name);
    await this.#ask((backend, container) => backend.deleteObjects(container, names));
  }

  async hasObject(object: string): Promise<boolean> {
    checkName(object);
    return (await this.#ask((backend, container) => backend.object({ container, object }))) !== undefined;
  }

  async objectInfo(object: string): Promise<{
    readonly name: string;
    readonly container: string;
    readonly createdAt: bigint;
    readonly size: bigint;
  }> {
    checkName(object);
    const container = this.#name;
    const facts = await this.#ask((backend) => backend.object({ container, object }));
    if (facts === undefined) throw `expected an object of container "${container}", found no "${object}"`;
    return { name: object, container, createdAt: BigInt(facts.createdAtS), size: BigInt(facts.sizeBytes) };
  }

  async clear(): Promise<void> {
    await this.#ask((backend, name) => backend.clear(name));
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
  }

  #ask<Answer>(work: (backend: BlobBackend, name: string) => Promise<Answer>): Promise<Answer> {
    return askBlobs(this.#context, (backend) => work(backend, this.#name));
  }
}

/** The error for a container that is not there. */
export function noContainer(name: string): string {
  return `expected a container of the function, found no "${name}"; create it first`;
}
