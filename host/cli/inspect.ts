import { isRegistryAddress } from '../../guest-sdk/client/index.ts';
import { describeGrant, describeUse, type FunctionInfo, type UseItem } from '../../guest-sdk/protocol/index.ts';
import type { UngrantedImport } from '../../runtime/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { printable } from './terminal/printable.ts';
import { formatSize } from './terminal/size.ts';
import type { Verb } from './verb.ts';
import { inspectVersion, shownVersion } from './versions/inspect-version.ts';
import { parseVersionedName } from './versions/versioned-name.ts';

/** What is told of a component, wherever it is. */
export type Inspection = Pick<
  FunctionInfo,
  'name' | 'digest' | 'sizeBytes' | 'doors' | 'exports' | 'imports' | 'grant' | 'reduced' | 'ungranted' | 'secretsSet'
> & {
  /** Of what is not published: imports that its grant would have to name. */
  readonly needs?: readonly UngrantedImport[];
  /** Its grant against what was used: on a host since a time, of a project by its traces. */
  readonly use?: { readonly since?: string; readonly items: readonly UseItem[] } | undefined;
};

interface InspectFlags extends HostFlags {
  readonly json?: boolean;
  readonly user?: string;
  readonly insecure?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('inspect [what]')
    .description(
      'imports, exports with WIT types, size, digest, grant and its use, of a component, a package, a project, a function or one version of it (NAME@VERSION); default: the project in this folder',
    )
    .option('--user <user:password>', 'for a registry (default CLOUDLET_REGISTRY_AUTH)')
    .option('--insecure', 'ask a registry by plain HTTP, also on another computer')
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (named: string | undefined, flags: InspectFlags) => {
    const what = named ?? '.';
    if (looksLikeFile(what)) {
      const { isPackageFile } = await import('../../guest-sdk/build/index.ts');
      if (isRegistryAddress(what) || (await isPackageFile(what))) {
        const { inspectPackage } = await import('./package/inspect-package.ts');
        const found = await inspectPackage(what, flags, interruption());
        return console.log(flags.json ? JSON.stringify(found) : [...describe(found), ...packing(found)].join('\n'));
      }
      const { inspectFile } = await import('./inspect-file.ts');
      const inspection = await inspectFile(what);
      console.log(flags.json ? JSON.stringify(inspection) : describe(inspection).join('\n'));
      return;
    }
    const { name, version } = parseVersionedName(what);
    const client = await clientFor(flags);
    if (version !== undefined) {
      const found = await inspectVersion(client, name, version, interruption());
      return console.log(flags.json ? JSON.stringify(found) : [...describe(found), ...shownVersion(found)].join('\n'));
    }
    const info = await client.function(name);
    console.log(flags.json ? JSON.stringify(info) : [...describe(info), ...history(info)].join('\n'));
  });
};

/** No function has a dot or a slash in its name, and a component's file has one: `./photo` where its name has none. */
export function looksLikeFile(what: string): boolean {
  return /[./]/.test(what);
}

function describe(inspection: Inspection): string[] {
  const {
    name,
    digest,
    sizeBytes,
    doors,
    exports,
    imports,
    grant,
    reduced = [],
    ungranted = [],
    needs = [],
    secretsSet,
    use,
  } = inspection;
  const missing = secretsSet === undefined ? [] : grant.secrets.filter((key) => !secretsSet.includes(key));
  return [
    name,
    `  digest   ${digest}`,
    `  size     ${formatSize(sizeBytes)}`,
    `  doors    ${doors.join(', ')}`,
    ...section(
      'exports',
      exports.map(({ signature }) => signature),
    ),
    ...section('imports', imports),
    ...section(
      'grant',
      describeGrant(grant).map(([what, text]) => `${what}: ${text}`),
    ),
    ...optional(
      'granted less than asked for',
      reduced.map(({ what, asked, granted }) => `${what}: ${asked} → ${granted}`),
    ),
    ...optional('secrets that are not set', missing),
    ...optional('imports without grant', ungranted),
    ...optional(
      'no cloudlet takes it until its grant says',
      needs.map(({ name, line, denial }) => `${line}, or ${denial}, since it imports ${name}`),
    ),
    ...optional(
      use?.since === undefined
        ? 'grant against what its traces used'
        : `grant against what was used since ${use.since}`,
      describeUse(use?.items ?? []).map(([state, text]) => `${state.padEnd(23)} ${text}`),
    ),
  ];
}

/** What a package has beside what its component says. */
function packing({
  codeBytes,
  dataBytes,
  layers,
  annotations,
  signers,
}: Awaited<ReturnType<typeof import('./package/inspect-package.ts')['inspectPackage']>>): string[] {
  return [
    `  code     ${formatSize(codeBytes)}`,
    `  data     ${formatSize(dataBytes)} in ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`,
    `  signed   ${signers.length === 0 ? 'by nobody' : signers.join(', ')}`,
    ...optional(
      'annotations',
      Object.entries(annotations).map(([key, value]) => `${key}: ${value}`),
    ),
  ];
}

function history({ version, versions, state, reason, stores, split, publisher = null }: FunctionInfo): string[] {
  const lines = versions.map(
    (each) => `${each.version}${each.version === version ? ' (current)' : ''}  ${each.publishedAt}  ${each.digest}`,
  );
  return [
    `  state    ${state}${reason === undefined ? '' : `: ${printable(reason)}`}`,
    `  signed   ${publisher === null ? 'by nobody' : `${publisher.fingerprint}${publisher.trusted ? '' : ' (not trusted now)'}`}`,
    `  stores   ${formatSize(stores.keyValueBytes)} of keys and values, ${formatSize(stores.blobBytes)} of objects`,
    ...optional(
      'calls are shared out',
      (split?.versions ?? []).map((each) => `version ${each.version}: ${each.percent} %`),
    ),
    ...section('versions', lines),
  ];
}

function optional(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : section(title, lines);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [`  ${title}  none`] : [`  ${title}`, ...lines.map((line) => `    ${printable(line)}`)];
}

export default verb;
