import { mergeUse, NO_USE, type Use } from '../../guest-sdk/protocol/index.ts';
import type { OutsideService } from '../outside/outside-service.ts';
import type { UseMessage, VersionUse } from '../sandbox/index.ts';
import type { FileUse } from '../wasi/index.ts';
import { configurationMissing, fileMissing, fileReadOnly } from './lack.ts';
import { ServiceUse } from './service-use.ts';

/** Entries of one kind that are kept of a version: a guest chooses what it tries. */
const MOST_ENTRIES = 256;

/** Lines about what a version looked for in vain: one for each thing, and no more than an author reads. */
const MOST_NOTES = 32;

/** What is told of a version's use. */
export interface FunctionUseEvents {
  /** A line for the function's log. */
  readonly note: (invocation: string, text: string) => void;
  /** There is more to keep. */
  readonly changed: () => void;
  /** Bytes that the function's stores hold. */
  readonly stored: () => { readonly keyValueBytes: number; readonly blobBytes: number };
}

const LISTS: Readonly<Record<FileUse, keyof Use['files']>> = {
  read: 'read',
  written: 'written',
  'looked-at': 'lookedAt',
  listed: 'listed',
  missing: 'missing',
  'read-only': 'readOnly',
};

/** What the guests of one version used, bounded. */
export class FunctionUse implements VersionUse {
  readonly #events: FunctionUseEvents;
  readonly #services = new ServiceUse();
  readonly #mostEntries: number;
  #before: Use;
  #guest: Use = NO_USE;
  /** Files in the order in which they were read first. */
  readonly #readOrder = new Set<string>();
  #invocations = 0;
  #notes = 0;

  /** `before` was seen of the same version, before a restart. */
  constructor(events: FunctionUseEvents, before: Use = NO_USE, mostEntries = MOST_ENTRIES) {
    this.#events = events;
    this.#before = before;
    this.#mostEntries = mostEntries;
  }

  /** All that was seen. */
  get use(): Use {
    const { keyvalue, blobs } = this.#services.stores;
    const { keyValueBytes, blobBytes } = this.#events.stored();
    const seen = mergeUse(this.#guest, {
      ...NO_USE,
      invocations: this.#invocations,
      http: this.#services.http,
      sockets: this.#services.sockets,
      denied: this.#services.denied,
      stores: { keyvalueBytes: keyvalue ? keyValueBytes : null, blobBytes: blobs ? blobBytes : null },
    });
    return mergeUse(this.#before, seen);
  }

  /** Files, in the order in which they were read first since this began. */
  get readOrder(): readonly string[] {
    return [...this.#readOrder];
  }

  begun(): void {
    this.#invocations += 1;
    if (this.#invocations === 1) this.#events.changed();
  }

  guest(invocation: string, message: UseMessage): void {
    const known = this.#guest.files;
    const files: Record<keyof Use['files'], string[]> = {
      ...{ read: [], written: [], lookedAt: [], listed: [], missing: [], readOnly: [] },
    };
    for (const [path, use] of message.files) {
      const list = LISTS[use];
      if (known[list].includes(path) || known[list].length + files[list].length >= this.#mostEntries) continue;
      files[list].push(path);
      if (use === 'read') this.#readOrder.add(path);
      if (use === 'missing') this.#note(invocation, fileMissing([path]));
      if (use === 'read-only') this.#note(invocation, fileReadOnly(path));
    }
    const keys = { read: [] as string[], missing: [] as string[], all: false };
    for (const [key, isThere] of message.configuration.slice(0, this.#mostEntries)) {
      if (key === null) keys.all = true;
      else keys[isThere ? 'read' : 'missing'].push(key);
      if (key !== null && !isThere) this.#note(invocation, configurationMissing(key));
    }
    const { environment, scratchBytes, memoryBytes, cpuMs, dropped } = message;
    this.#guest = mergeUse(this.#guest, {
      ...NO_USE,
      ...{ files, environment, configuration: keys, dropped },
      arguments: message.arguments,
      most: { ...NO_USE.most, scratchBytes, memoryBytes, cpuMs: cpuMs ?? 0 },
    });
    this.#events.changed();
  }

  service(name: string, does: OutsideService): OutsideService {
    return this.#services.watch(name, does, this.#events.changed);
  }

  denied(name: string, args: unknown): string {
    const asked = this.#services.refuse(name, args);
    this.#events.changed();
    return asked;
  }

  missing(paths: readonly string[]): string | null {
    return paths.length === 0 ? null : fileMissing(paths);
  }

  #note(invocation: string, text: string): void {
    this.#notes += 1;
    if (this.#notes < MOST_NOTES) this.#events.note(invocation, text);
    else if (this.#notes === MOST_NOTES) {
      this.#events.note(invocation, 'it looked for more that is not there; npx cloudlet inspect lists it');
    }
  }
}
