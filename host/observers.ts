import type { CloudletObserver } from '../runtime/index.ts';

/** One observer that tells all of these, in order. */
export function observers(...all: readonly CloudletObserver[]): CloudletObserver {
  return {
    published: (event) => {
      for (const one of all) one.published?.(event);
    },
    removed: (event) => {
      for (const one of all) one.removed?.(event);
    },
    invoked: (event) => {
      for (const one of all) one.invoked?.(event);
    },
    sandboxStarted: (event) => {
      for (const one of all) one.sandboxStarted?.(event);
    },
    prepared: (event) => {
      for (const one of all) one.prepared?.(event);
    },
    sandboxClosed: (event) => {
      for (const one of all) one.sandboxClosed?.(event);
    },
    serviceVmStarted: (event) => {
      for (const one of all) one.serviceVmStarted?.(event);
    },
    serviceVmEnded: (event) => {
      for (const one of all) one.serviceVmEnded?.(event);
    },
    serviceAnswered: (event) => {
      for (const one of all) one.serviceAnswered?.(event);
    },
    serviceWentOut: (event) => {
      for (const one of all) one.serviceWentOut?.(event);
    },
    warning: (sentence) => {
      for (const one of all) one.warning?.(sentence);
    },
  };
}
