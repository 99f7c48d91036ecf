import { createInterface } from 'node:readline/promises';
import * as v from 'valibot';
import { type CloudletClient, isRegistryAddress } from '../../../guest-sdk/client/index.ts';
import { CloudletError, Fingerprint, type FunctionName } from '../../../guest-sdk/protocol/index.ts';
import { type Publishable, packageOf, publishable } from '../publishable.ts';
import { UsageError } from '../usage-error.ts';
import { type PackageWords, packaged } from './packaged.ts';

/** What is published, with the keys that signed it. */
export interface Source extends Publishable {
  readonly signers?: readonly string[];
}

/** What a word of `publish` or `deploy` names: what `publishable` knows, a package file, an address in a registry, or any of these signed here. */
export async function publishableSource(what: string, words: PackageWords, signal: AbortSignal): Promise<Source> {
  if (words.key === undefined && !isRegistryAddress(what)) {
    const { isPackageFile } = await import('../../../guest-sdk/build/index.ts');
    if (!(await isPackageFile(what))) return await publishable(what, words, signal);
  }
  const { name, opened } = await packaged(what, words, signal);
  return { ...packageOf(name, what, opened.written), signers: opened.signers };
}

/**
 * Settles whose a name is before something signed is published under it: a key that was named is accepted; whoever sits at a terminal is asked once about a
 * publisher that is not himself. `signature-invalid` when he says no.
 */
export async function settlePublisher(
  client: Pick<CloudletClient, 'url' | 'publishers'>,
  name: FunctionName,
  { signers = [] }: Pick<Source, 'signers'>,
  { key, trust }: { readonly key?: string | undefined; readonly trust?: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  if (trust !== undefined && !v.is(Fingerprint, trust))
    throw new UsageError(`expected --trust with the 43 characters of a fingerprint, got ${JSON.stringify(trust)}`);
  if (trust !== undefined) return await client.publishers.accept(name, trust, signal);
  const [signer] = signers;
  if (signer === undefined || key !== undefined || process.stdin.isTTY !== true) return;
  const { publishers } = await client.publishers.list(signal);
  if (publishers.some((each) => each.name === name)) return;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `${name} is signed by ${signer}; shall the name belong to this key on ${client.url} from now on? [y/N] `;
    if (/^y(es)?$/i.test((await lines.question(question, { signal })).trim())) return;
  } finally {
    lines.close();
  }
  throw new CloudletError(
    'signature-invalid',
    `${name} was not published, since its publisher ${signer} was not accepted`,
  );
}
