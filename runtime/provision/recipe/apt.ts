/** What apt is asked inside a VM, and what it answers. Where its proxy is and what it leaves out, the base VM has in its own settings. */

import { LISTS_ASKED } from '../../vm/base/base-lists.ts';

const OPTIONS = ['Dpkg::Use-Pty=0', 'Acquire::Retries=2', 'Acquire::http::Timeout=60', 'APT::Update::Error-Mode=any']
  .map((option) => `-o ${option}`)
  .join(' ');

const APT = `apt-get -q -y --no-install-recommends ${OPTIONS}`;

/** Prints what apt's sources are. */
export const PRINT_SOURCES = `find /etc/apt/sources.list /etc/apt/sources.list.d -type f \\( -name '*.list' -o -name '*.sources' \\) -exec cat {} + 2>/dev/null; :`;

/** Brings the lists of packages up to date, and notes when. */
export const UPDATE = `${APT} update && date +%s > ${LISTS_ASKED}`;

/** How old lists of packages may be that are taken as they are, days: as long as Debian's own say that they hold. */
const FRESH_DAYS = 7;

/** Prints "fresh" when there are lists of packages, and their sources were asked lately: when the base VM was built, or later. */
export const ARE_FRESH = `[ -n "$(find /var/lib/apt/lists -name '*_Packages*')" ] && asked=$(cat ${LISTS_ASKED}) && [ $(($(date +%s) - asked)) -lt ${FRESH_DAYS * 86_400} ] && echo fresh; :`;

/** What changed since the base VM was made, of its lists of packages: others than its own settings are older. */
const NEWER_LISTS = `find /var/lib/apt/lists -type f '(' -name '*_Packages*' -o -name '*Release' ')' -cnewer /etc/apt/apt.conf.d/90cloudlet`;

/** Removes what is only needed to install more: in a saved VM it would be 130 MB. Lists that the base has are none of the difference to it, and stay. */
export const TIDY = `apt-get clean; [ -z "$(${NEWER_LISTS})" ] || rm -rf /var/lib/apt/lists/*`;

/** Prints what would be installed for these packages. Their names are checked words of the schema. */
export function planCommand(packages: readonly string[]): string {
  return `${APT} install --simulate -- ${packages.join(' ')}`;
}

/** Installs packages, and keeps no archive of them. */
export function installCommand(packages: readonly string[]): string {
  return `${APT} install -- ${packages.join(' ')} && ${APT} clean`;
}

/** The hosts that sources name, as patterns of a grant: `mirror.example.org`, `mirror.example.org:8080`. */
export function sourceHosts(sources: string): string[] {
  const hosts = new Set<string>();
  for (const line of sources.split('\n')) {
    if (/^\s*#/.test(line)) continue;
    for (const [address] of line.matchAll(/\bhttps?:\/\/\S+/g)) {
      const host = URL.parse(address)?.host;
      if (host !== undefined && host !== '') hosts.add(host);
    }
  }
  return [...hosts].sort();
}

/** What a plan installs, `name=version` each, in one order. */
export function plannedVersions(plan: string): string[] {
  const versions = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) /gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
  return versions.sort();
}
