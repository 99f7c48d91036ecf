import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Lookup } from './deployable.ts';

/** A name is a function's where there is one of it, else a service's, else that of an entry of the store; `--service` means a service. */
export function lookupAt(
  client: Pick<CloudletClient, 'functions' | 'services' | 'store'>,
  isService: boolean,
  signal: AbortSignal,
): Lookup {
  return async (name) => {
    const isNamed = (each: { readonly name: string }): boolean => each.name === name;
    if (!isService && (await client.functions(signal)).some(isNamed)) return { function: name };
    if (isService || (await client.services.list(signal)).some(isNamed)) return { service: name };
    const entry = await client.store.entry(name, signal).catch((error: unknown) => {
      if (error instanceof CloudletError && error.code === 'store-unknown') return null;
      throw error;
    });
    if (entry !== null) return { store: name };
    throw new CloudletError(
      'not-found',
      `expected a file, a project, an address, or the name of a function, a service or a store entry, got "${name}"`,
    );
  };
}
