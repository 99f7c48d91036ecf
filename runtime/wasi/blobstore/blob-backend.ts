import type { ByteSink, ByteSource } from '../backend.ts';

/** Longest name of a container or an object, bytes of UTF-8: a page of names must fit into one answer. */
export const BLOB_NAME_BYTES = 1024;

/** Most objects that one `delete-objects` takes. */
export const DELETE_OBJECTS = 1000;

/** What is known of a container. */
export interface ContainerFacts {
  /** Seconds since 1970. */
  readonly createdAtS: number;
}

/** What is known of an object. */
export interface ObjectFacts {
  /** Seconds since 1970. */
  readonly createdAtS: number;
  readonly sizeBytes: number;
}

/** Where an object is. */
export interface ObjectPlace {
  readonly container: string;
  readonly object: string;
}

/** A page of the names of a container's objects, in the order of their bytes. */
export interface NamePage {
  readonly names: readonly string[];
  readonly atEnd: boolean;
}

/** Bytes of an object on their way to the guest: as many as it says, then the end. They stay the same whatever becomes of the object. */
export interface BlobDownload {
  readonly sizeBytes: number;
  readonly source: ByteSource;
}

/** Bytes on their way to the store. */
export interface BlobUpload {
  /** Its `close` says that the bytes are complete. */
  readonly sink: ByteSink;
  /** Waits until the bytes are stored and makes them an object. Once, after the sink was closed. */
  commit(place: ObjectPlace): Promise<void>;
  /** The bytes are not wanted. May be called again, and after `commit`. */
  abandon(): void;
}

/** What `wasi:blobstore` works on: the containers of one function. Every promise may be rejected with `StoreFailure`. */
export interface BlobBackend {
  /** Fails when there is one of this name. */
  createContainer(name: string): Promise<void>;
  /** Undefined when there is none. */
  container(name: string): Promise<ContainerFacts | undefined>;
  /** With all its objects; fails when there is none of this name. */
  deleteContainer(name: string): Promise<void>;
  /** Deletes all objects of a container. */
  clear(container: string): Promise<void>;
  /** Names after one that was given before, at most so many. */
  names(container: string, after: string | null, most: number): Promise<NamePage>;
  /** Undefined when there is none. */
  object(place: ObjectPlace): Promise<ObjectFacts | undefined>;
  /** Deletes those that are there. */
  deleteObjects(container: string, names: readonly string[]): Promise<void>;
  /** Copies, or moves, an object; one at the destination is replaced. */
  copy(source: ObjectPlace, destination: ObjectPlace, move: boolean): Promise<void>;
  /** The bytes from one offset to another, both included; what is behind the end is left out. */
  download(place: ObjectPlace, start: bigint, end: bigint): Promise<BlobDownload>;
  /** Begins to take bytes for an object whose place may not be known yet. */
  upload(): BlobUpload;
}
