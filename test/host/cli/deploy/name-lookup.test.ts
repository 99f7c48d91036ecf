import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { lookupAt } from '../../../../host/cli/deploy/name-lookup.ts';

const lookup = suite('what a name of cloudlet deploy stands for');
const { signal } = new AbortController();

const named = (names: readonly string[]) => names.map((name) => ({ name }));
/** A host that has these. */
const host = (functions: readonly string[], services: readonly string[], entries: readonly string[]) =>
  ({
    functions: async () => named(functions),
    services: { list: async () => named(services) },
    store: {
      entry: async (name: string) => {
        if (!entries.includes(name)) throw new CloudletError('store-unknown', 'no such entry');
        return { name };
      },
    },
  }) as unknown as Parameters<typeof lookupAt>[0];

for (const [what, at, isService, want] of [
  ['a function before all', host(['a'], ['a'], ['a']), false, { function: 'a' }],
  ['a service before an entry', host([], ['a'], ['a']), false, { service: 'a' }],
  ['an entry when it is nothing else', host(['b'], ['b'], ['a']), false, { store: 'a' }],
  ['a service where one is meant', host(['a'], [], ['a']), true, { service: 'a' }],
] as const)
  lookup(`is ${what}`, async () => {
    assert.equal(await lookupAt(at, isService, signal)('a'), want);
  });

lookup('is refused with all that it could have been', async () => {
  const error = await lookupAt(host([], [], []), false, signal)('a').catch((why: unknown) => why);
  assert.is((error as CloudletError).code, 'not-found');
  assert.match((error as Error).message, /name of a function, a service or a store entry, got "a"/);
});

lookup('passes on what else a host says', async () => {
  const broken = { ...host([], [], []), store: { entry: () => Promise.reject(new Error('it is away')) } };
  const error = await lookupAt(
    broken as unknown as Parameters<typeof lookupAt>[0],
    false,
    signal,
  )('a').catch((why) => why);
  assert.is(error.message, 'it is away');
});

lookup.run();
