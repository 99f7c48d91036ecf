import type { LateWords } from './late-files.ts';
import type {
  AnswerMessage,
  DoneMessage,
  FinishMessage,
  HeadMessage,
  Interrupt,
  InvokeMessage,
  LateMessage,
  LoadMessage,
  LogMessage,
} from './wire.ts';

/** A component as a worker gets it: modules are compiled once for all workers. */
export interface WorkerComponent {
  readonly message: LoadMessage;
  readonly glue: string;
  readonly modules: readonly (readonly [name: string, module: WebAssembly.Module])[];
  /** The bytes that the message's `files` are made of, shared by all workers. */
  readonly files: Uint8Array;
  /** Which of the late ones are here. */
  readonly late: LateWords;
}

/** A line as the serving thread opened it for one worker, who closes it. */
export interface OpenLine {
  /** Which of the lines it is, counted from 0. */
  readonly line: number;
  readonly fd: number;
  /** A virtio-serial port, or a socket. */
  readonly kind: 'port' | 'socket';
  /** The disk for large bodies. */
  readonly bulkDevice: string | null;
}

/** What a worker is made with. */
export interface WorkerStart extends OpenLine {
  readonly epoch: Uint8Array;
  /** That of its `InterruptCell`. */
  readonly cell: SharedArrayBuffer;
}

/** From the serving thread to a worker. */
export type ToWorker =
  | { readonly kind: 'load'; readonly component: WorkerComponent; readonly awaitsCall: boolean }
  /** A load waits for no call any more. */
  | { readonly kind: 'hurry' }
  /** Get ready for a snapshot. */
  | { readonly kind: 'prepare' }
  /** The shared cell says so too, but a guest that waits looks at none. */
  | { readonly kind: 'interrupt'; readonly id: number; readonly why: Interrupt };

/** From a worker to the serving thread. */
export type FromWorker =
  | { readonly kind: 'up' }
  | { readonly kind: 'loaded'; readonly error: string | null }
  /** What a load leaves to be done is done, or could not be; where it awaits a call, the first invocation, too. */
  | { readonly kind: 'settled' }
  | { readonly kind: 'prepared' }
  /** A guest waits for a piece of a late file. */
  | { readonly kind: 'want'; readonly message: LateMessage }
  /** An invocation that was interrupted is over, where the shared cell cannot tell: others run beside it. */
  | { readonly kind: 'ended'; readonly id: number };

/** An invocation as it came over a worker's line. */
export interface Invoked {
  readonly id: number;
  readonly message: InvokeMessage;
}

/** What comes for an invocation while it runs, or for something that it asked. */
export type ToInvocation =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'credit'; readonly bytes: number }
  | { readonly kind: 'answer'; readonly answer: AnswerMessage }
  | { readonly kind: 'finish'; readonly finish: FinishMessage }
  | { readonly kind: 'forget' }
  | { readonly kind: 'interrupt'; readonly why: Interrupt };

/** What an invocation says. */
export type FromInvocation =
  | { readonly kind: 'head'; readonly id: number; readonly head: HeadMessage }
  | { readonly kind: 'body'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'log'; readonly id: number; readonly log: LogMessage }
  /** The payload of the frame, which may be too long, and so is made before it is said. */
  | { readonly kind: 'ask'; readonly id: number; readonly payload: Uint8Array }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'forget'; readonly id: number }
  | { readonly kind: 'credit'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly done: DoneMessage };
