import type { DoneMessage, GrantMessage, HeadMessage, InvokeMessage, LoadMessage } from './wire.ts';

/** Why an invocation is ended from outside; its place in the list, counted from 1, is what the shared cell holds. */
export const INTERRUPTS = ['deadline-exceeded', 'client-closed'] as const;
export type Interrupt = (typeof INTERRUPTS)[number];

/** A component as a worker gets it: modules are compiled once for all workers. */
export interface WorkerComponent {
  readonly message: LoadMessage;
  readonly glue: string;
  readonly modules: readonly (readonly [name: string, module: WebAssembly.Module])[];
}

/** What a worker is made with. */
export interface WorkerStart {
  /** One Int32: 0, or the interrupt that the running guest sees at its next fuel checkpoint. */
  readonly interruptCell: SharedArrayBuffer;
}

/** From the serving thread to a worker. */
export type ToWorker =
  | { readonly kind: 'load'; readonly component: WorkerComponent }
  /** For the invocations that follow. */
  | { readonly kind: 'grant'; readonly grant: GrantMessage }
  /** Get ready for a snapshot. */
  | { readonly kind: 'prepare' }
  /** `remainingMs` of its deadline are left. */
  | { readonly kind: 'invoke'; readonly id: number; readonly message: InvokeMessage; readonly remainingMs: number }
  | { readonly kind: 'body'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'credit'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'interrupt'; readonly id: number; readonly why: Interrupt };

/** From a worker to the serving thread. */
export type FromWorker =
  | { readonly kind: 'up' }
  | { readonly kind: 'loaded'; readonly error: string | null }
  | { readonly kind: 'prepared' }
  | { readonly kind: 'head'; readonly id: number; readonly head: HeadMessage }
  | { readonly kind: 'body'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'log'; readonly id: number; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'credit'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly done: DoneMessage };
