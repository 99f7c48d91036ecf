/** What apt is asked inside a VM, and what it answers. Where its proxy is and what it leaves out, the base VM has in its own settings. */

const OPTIONS = ['Dpkg::Use-Pty=0', 'Acquire::Retries=2', 'Acquire::http::Timeout=60', 'APT::Update::Error-Mode=any']
  .map((option) => `-o ${option}`)
  .join(' ');

const APT = `apt-get -q -y --no-install-recommends ${OPTIONS}`;

/** Prints what apt's sources are. */
export const PRINT_SOURCES = `find /etc/apt/sources.list /etc/apt/sources.list.d -type f \\( -name '*.list' -o -name '*.sources' \\) -exec cat {} + 2>/dev/null; :`;

/** Brings the lists of packages up to date. */
export const UPDATE = `${APT} update`;

/** Prints "fresh" when there are lists of packages, none older than a day: those that a base VM was built with, or an earlier update. */
export const ARE_FRESH = `cd /var/lib/apt/lists && [ -n "$(find . -name '*_Packages*')" ] && [ -z "$(find . -name '*_Packages*' -mmin +1440)" ] && echo fresh; :`;

/** Removes what is only needed to install more: in a saved VM it would be 130 MB. */
export const TIDY = 'apt-get clean; rm -rf /var/lib/apt/lists/*';

/** Prints what would be installed for these packages. Their names are checked words of the schema. */
export function planCommand(packages: readonly string[]): string {
  return `${APT} install --simulate -- ${packages.join(' ')}`;
}

/** Installs packages, and keeps no archive of them. */
export function installCommand(packages: readonly string[]): string {
  return `${APT} install -- ${packages.join(' ')} && ${APT} clean`;
}

/** The hosts that sources name, as patterns of a grant: `deb.example.org`, `mirror.example.org:8080`. */
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
