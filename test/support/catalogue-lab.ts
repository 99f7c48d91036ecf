/**
 * Catalogues over a real data directory, and entries to put into them.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalBytes, type Digest, digestOfHex, signDetached } from '../../guest-sdk/protocol/index.ts';
import { Catalogue, type CataloguePolicy, type EntryProvisioner } from '../../runtime/catalogue/index.ts';
import { DataDir } from '../../runtime/store/index.ts';

/** A catalogue in a folder of its own. */
export interface CatalogueLab {
  readonly catalogue: Catalogue;
  readonly data: DataDir;
  /** Servers that were provisioned, in order. */
  readonly provisioned: string[];
  /** Sends a file for an entry. */
  send(bytes: Uint8Array): Promise<Digest>;
  /** Sends files, then puts an unsigned entry, or one signed with a key. */
  put(manifest: object, files?: readonly Uint8Array[], key?: JsonWebKey, trust?: string): ReturnType<Catalogue['put']>;
  /** Opens another catalogue on the same data. */
  again(policy: Partial<CataloguePolicy>): Catalogue;
  close(): Promise<void>;
}

/** Opens a catalogue that takes anybody's entries, up to 64 MiB. */
export async function openCatalogueLab(
  policy: Partial<CataloguePolicy> = {},
  { now, provision }: { now?: () => number; provision?: EntryProvisioner } = {},
): Promise<CatalogueLab> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-catalogue-'));
  const data = await DataDir.open(join(folder, 'data'));
  const provisioned: string[] = [];
  const opened: Catalogue[] = [];
  const open = (changes: Partial<CataloguePolicy>): Catalogue => {
    const catalogue = new Catalogue({
      data,
      policy: { publishers: 'anyone', bytes: 64 * 1024 * 1024, ...policy, ...changes },
      provision:
        provision ??
        (async (manifest, { again }) => {
          provisioned.push(`${manifest.name}${again ? ' again' : ''}`);
          return { kind: 'function', name: manifest.name, address: `/f/${manifest.name}/`, digest: digestOf('') };
        }),
      ...(now === undefined ? {} : { now }),
    });
    opened.push(catalogue);
    return catalogue;
  };
  const catalogue = open({});
  const send = async (bytes: Uint8Array): Promise<Digest> => {
    const { digest } = await catalogue.receive(once(bytes), bytes.length, digestOf(bytes));
    return digest as Digest;
  };
  return {
    catalogue,
    data,
    provisioned,
    send,
    async put(manifest, files = [], key, trust) {
      for (const file of files) await send(file);
      const signature = key === undefined ? undefined : await signDetached(canonicalBytes(manifest), key, 'entry');
      const { name } = manifest as { name: string };
      return catalogue.put(name, {
        manifest,
        ...(signature === undefined ? {} : { signature }),
        ...(trust === undefined ? {} : { trust }),
      });
    },
    again: open,
    async close() {
      for (const each of opened) await each.close();
      data.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The digest of bytes or a text. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return digestOfHex(createHash('sha256').update(bytes).digest('hex'));
}

/** An application's manifest with these files, each given by its name and bytes. */
export function application(
  name: string,
  files: readonly (readonly [name: string, bytes: Uint8Array, more?: object])[] = [],
  more: object = {},
): object {
  return {
    ...{ format: 1, kind: 'application', name, version: '1.0', title: `The ${name}` },
    files: files.map(([file, bytes, other]) => ({
      ...{ name: file, digest: digestOf(bytes), bytes: bytes.length, mediaType: 'application/octet-stream' },
      ...other,
    })),
    ...more,
  };
}

/** Text as bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
