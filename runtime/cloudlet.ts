import type {
  Deployment,
  Digest,
  FunctionInfo,
  FunctionName,
  LogLine,
  Published,
  RecentInvocation,
  SandboxInfo,
  Status,
} from '../guest-sdk/protocol/index.ts';
import { CloudletError } from '../guest-sdk/protocol/index.ts';
import type { CallResult, Invocation, InvocationRequest } from './invocation.ts';
import type { CloudletOptions } from './options.ts';

/** How a body is published. */
export interface PublishOptions {
  /** What the sender says it will send; another length is `body-truncated`. */
  readonly contentLength?: number;
  /** What the sender says the body is; another digest is `body-truncated`. */
  readonly digest?: Digest;
  readonly onProgress?: (progress: PublishProgress) => void;
  readonly signal?: AbortSignal;
}

/** Where a publish is. */
export interface PublishProgress {
  readonly stage: 'receiving' | 'inspecting' | 'transpiling' | 'registering';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
}

/** Limits of one invocation. */
export interface InvokeOptions {
  /** Shortens the function's own deadline; never lengthens it. */
  readonly deadlineMs?: number;
  /** The caller says that running it twice does no harm (`Idempotency-Key`): one retry after `machine-failed`, if no input or output was passed on yet. */
  readonly idempotent?: boolean;
  readonly signal?: AbortSignal;
}

/** Plain data as JSON knows it, or as MessagePack does (bytes, integers of 64 bits). */
export type ValueFormat = 'json' | 'msgpack';

/** How a typed call's arguments came and how its result shall go. */
export interface CallOptions extends InvokeOptions {
  readonly argumentFormat: ValueFormat;
  readonly resultFormat: ValueFormat;
}

/** What changed, for the page: it asks for the new state itself. */
export type CloudletEvent =
  | { readonly kind: 'functions' }
  | { readonly kind: 'sandboxes' }
  | { readonly kind: 'invocation'; readonly invocation: RecentInvocation };

/** Bytes of a stored component, already verified against their digest. */
export interface StoredComponent {
  readonly version: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** One cloudlet: what it stores, what it runs and what it reports. Open one for each data directory and close it at the end. */
export class Cloudlet {
  /** `cl-<8 hex of the key>`: the identity on the network. */
  readonly id: string;
  /** The owner's token: who has it may do everything. Never log it. */
  readonly ownerToken: string;

  private constructor(id: string, ownerToken: string) {
    this.id = id;
    this.ownerToken = ownerToken;
  }

  /** Opens the data directory and gets ready to run; `conflict` when another host has the directory, `sandbox-unavailable` when machines cannot run here. */
  static async open(_options: CloudletOptions): Promise<Cloudlet> {
    throw unfinished();
  }

  /** Stores and checks a component and makes it the current version of `name`. The same component again does nothing. */
  publish(_name: FunctionName, _body: AsyncIterable<Uint8Array>, _options: PublishOptions = {}): Promise<Published> {
    throw unfinished();
  }

  /** Starts a publish that is watched by its id; the body is taken at once, all the rest goes on after the return. */
  deploy(
    _name: FunctionName,
    _body: AsyncIterable<Uint8Array>,
    _options: Omit<PublishOptions, 'onProgress'> = {},
  ): Promise<Deployment> {
    throw unfinished();
  }

  /** A deployment's present state; `not-found` when there is none of this id, or it ended long ago. */
  deployment(_id: string): Deployment {
    throw unfinished();
  }

  /** A deployment's states, from the present one on; ends after exactly one whose state is `ready` or `failed`. */
  deploymentEvents(_id: string, _signal?: AbortSignal): AsyncIterable<Deployment> {
    throw unfinished();
  }

  /** All functions, by name. */
  functions(): Promise<FunctionInfo[]> {
    throw unfinished();
  }

  /** One function; `function-unknown` when there is none. */
  function(_name: FunctionName): Promise<FunctionInfo> {
    throw unfinished();
  }

  /** Removes a function, its versions, its log and its sandboxes; `function-unknown` when there is none. */
  remove(_name: FunctionName): Promise<void> {
    throw unfinished();
  }

  /** Points a function at an earlier version (default: the one before the current); versions keep their numbers. */
  rollback(_name: FunctionName, _version?: number): Promise<FunctionInfo> {
    throw unfinished();
  }

  /** The stored bytes of a version (default: the current one). */
  component(_name: FunctionName, _version?: number): Promise<StoredComponent> {
    throw unfinished();
  }

  /** Runs a command or an http handler. Resolves when the answer begins: at the head of an http answer, at a command's first output or its end. */
  invoke(
    _name: FunctionName,
    _request: InvocationRequest,
    _input: AsyncIterable<Uint8Array>,
    _options: InvokeOptions = {},
  ): Promise<Invocation> {
    throw unfinished();
  }

  /** Calls a typed export with plain data; wrong shapes are `argument-invalid` before any sandbox is asked. */
  call(_name: FunctionName, _target: string, _args: unknown, _options: CallOptions): Promise<CallResult> {
    throw unfinished();
  }

  /** The kept lines of a function's log, and with `follow` those to come until `signal`. */
  logs(
    _name: FunctionName,
    _options: { readonly follow?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<LogLine> {
    throw unfinished();
  }

  /** Running and lately finished invocations, newest first. */
  recent(): RecentInvocation[] {
    throw unfinished();
  }

  /** Sandboxes that exist now. */
  sandboxes(): SandboxInfo[] {
    throw unfinished();
  }

  status(): Promise<Status> {
    throw unfinished();
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(_listener: (event: CloudletEvent) => void): () => void {
    throw unfinished();
  }

  /** Stops taking work, ends sandboxes, lets go of the data directory. Idempotent. */
  async close(): Promise<void> {
    throw unfinished();
  }
}

function unfinished(): CloudletError {
  return new CloudletError('internal', 'this part of the cloudlet is being built');
}
