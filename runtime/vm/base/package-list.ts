import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type DebianPackage, runCommand } from '../../image/index.ts';
import { type AptSource, sourcesText } from './apt-sources.ts';

/** What Debian calls a package. */
const NAME = /^[a-z0-9][a-z0-9+.-]{1,100}$/;

/** Most packages beside the essential ones. */
const MAX_INCLUDED = 200;

/** Where the directories of `/usr` are also those of `/`, as this package says, no other has to be there that would make it so. */
export const MERGED = ['usr-is-merged', 'usrmerge-'] as const;

/** Names of packages as a person gives them, each once, in order; `request-invalid` when one is none. */
export function parsePackageNames(names: readonly string[]): string[] {
  if (names.length > MAX_INCLUDED) {
    const sentence = `expected at most ${MAX_INCLUDED} packages, got ${names.length}`;
    throw new CloudletError('request-invalid', sentence);
  }
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong === undefined) return [...new Set(names)].sort();
  throw new CloudletError('request-invalid', `expected the name of a Debian package, got ${JSON.stringify(wrong)}`);
}

/**
 * The packages, each by version, that a base VM with these ones beside Debian's essential ones consists of, by what this computer's
 * lists say now. Nothing is downloaded. The directory `scratch` is made, and removed.
 */
export async function resolvePackages(
  sources: readonly AptSource[],
  include: readonly string[],
  scratch: string,
  signal?: AbortSignal,
): Promise<DebianPackage[]> {
  await mkdir(scratch, { recursive: true, mode: 0o755 });
  try {
    const [status, list] = [join(scratch, 'status'), join(scratch, 'base.sources')];
    await writeFile(status, '');
    await writeFile(list, sourcesText(sources));
    const settings = {
      // As if nothing were installed; from Debian's sources alone; and nothing is written where only root may.
      'Dir::State::status': status,
      'Dir::Etc::sourcelist': list,
      'Dir::Etc::sourceparts': '-',
      'Dir::Cache::pkgcache': '',
      'Dir::Cache::srcpkgcache': '',
      'APT::Install-Recommends': 'false',
      'APT::Get::Show-User-Simulation-Note': 'false',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const args = ['-q', '-s', ...options, 'install', '?essential', 'apt', ...MERGED, ...include];
    return packagesOf(await runCommand('apt-get', args, signal === undefined ? {} : { signal }));
  } catch (error) {
    signal?.throwIfAborted();
    const unknown = /Unable to locate package (\S+)/.exec((error as Error).message)?.[1];
    if (unknown !== undefined) {
      throw new CloudletError('request-invalid', `expected a package of Debian, got ${JSON.stringify(unknown)}`);
    }
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Reads what apt would install: `Inst NAME (VERSION …`. In order of names. */
export function packagesOf(simulation: string): DebianPackage[] {
  const found = [...simulation.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)];
  const packages = found.map(([, name = '', version = '']) => ({ name, version }));
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}
