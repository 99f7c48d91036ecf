import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { runCommand } from '../../image/index.ts';

/** Where this computer's packages come from, of those that Debian signs: a base VM takes its own from there. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Path of the keyring that its own entry names; null when apt's default ones are meant. */
  readonly keyring: string | null;
  /** Files of apt that hold what the source has. */
  readonly lists: readonly string[];
}

const APT = '/etc/apt';

/** What apt is asked to say of each list of packages. */
const FORMAT = ['$(REPO_URI)', '$(RELEASE)', '$(COMPONENT)', '$(FILENAME)'].join('\t');

/** Debian's sources of this computer, as its package lists say. `sandbox-unavailable`, with a remedy, when there are none. */
export async function debianSources(): Promise<AptSource[]> {
  const filters = ['Created-By: Packages', 'Origin: Debian', 'Architecture: amd64'];
  const targets = await runCommand('apt-get', ['indextargets', '--format', FORMAT, ...filters]);
  const sources = sourcesOf(targets, keyringsOf(await sourceFiles()));
  if (sources.length > 0) return sources;
  throw new CloudletError(
    'sandbox-unavailable',
    'a base VM is built from the Debian packages that this computer knows, and it has no lists of any; run: apt-get update',
  );
}

/** Reads what apt said of each list: one source for each address and suite. */
export function sourcesOf(targets: string, keyrings: ReadonlyMap<string, string>): AptSource[] {
  const found = new Map<string, AptSource & { components: string[]; lists: string[] }>();
  for (const line of targets.split('\n')) {
    const [uri = '', suite = '', component = '', list = ''] = line.split('\t');
    // What is no web address (a CD, a directory of this computer) is not there for a VM.
    if (!/^https?:\/\/[^\s"']+$/.test(uri) || suite === '' || list === '') continue;
    const key = `${uri} ${suite}`;
    const source = found.get(key) ?? {
      ...{ uri, suite, components: [], keyring: keyrings.get(addressOf(uri)) ?? null, lists: [] },
    };
    if (!source.components.includes(component)) source.components.push(component);
    source.lists.push(list);
    found.set(key, source);
  }
  return [...found.values()];
}

/** The keyrings that entries of apt name, by address; of both of its notations. */
export function keyringsOf(files: readonly string[]): Map<string, string> {
  const keyrings = new Map<string, string>();
  const note = (uris: string, keyring: string | undefined) => {
    if (keyring?.startsWith('/') !== true) return; // A fingerprint, or the key itself: apt's default keyrings have Debian's.
    for (const uri of uris.trim().split(/\s+/)) keyrings.set(addressOf(uri), keyring);
  };
  for (const text of files) {
    for (const [, options = '', uri = ''] of text.matchAll(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s/gm)) {
      note(uri, /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1]);
    }
    for (const stanza of text.split(/\n\s*\n/)) {
      const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1]?.trim();
      note(field('URIs') ?? '', field('Signed-By'));
    }
  }
  return keyrings;
}

/** The sources in apt's own notation, for a file whose name ends in `.sources`. */
export function sourcesText(sources: readonly AptSource[]): string {
  const stanza = ({ uri, suite, components, keyring }: AptSource) => {
    const signed = keyring === null ? '' : `Signed-By: ${keyring}\n`;
    return `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: ${components.join(' ')}\n${signed}`;
  };
  return sources.map(stanza).join('\n');
}

const addressOf = (uri: string) => uri.replace(/\/*$/, '');

async function sourceFiles(): Promise<string[]> {
  const names = await readdir(join(APT, 'sources.list.d')).catch(() => []);
  const paths = names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(APT, 'sources.list.d', name));
  const texts = [join(APT, 'sources.list'), ...paths].map((path) => readFile(path, 'utf8').catch(() => ''));
  return Promise.all(texts);
}
