import { describeGrant, type FunctionInfo, parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { printable } from './terminal/printable.ts';
import { formatSize } from './terminal/size.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

/** What is told of a component, wherever it is. */
export type Inspection = Pick<
  FunctionInfo,
  'name' | 'digest' | 'sizeBytes' | 'doors' | 'exports' | 'imports' | 'grant' | 'reduced' | 'ungranted' | 'secretsSet'
>;

const verb: Verb = (program) => {
  const command = program
    .command('inspect <what>')
    .description('imports, exports with their WIT types, size, digest and grant of a component or a function')
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (what: string, flags: HostFlags & { json?: boolean }) => {
    if (looksLikeFile(what)) {
      const { inspectFile } = await import('./inspect-file.ts');
      const inspection = await inspectFile(what);
      console.log(flags.json ? JSON.stringify(inspection) : describe(inspection).join('\n'));
      return;
    }
    const info = await (await clientFor(flags)).function(typed(() => parseName(what)));
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
    secretsSet,
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
  ];
}

function history({ version, versions, state, reason, stores }: FunctionInfo): string[] {
  const lines = versions.map(
    (each) => `${each.version}${each.version === version ? ' (current)' : ''}  ${each.publishedAt}  ${each.digest}`,
  );
  return [
    `  state    ${state}${reason === undefined ? '' : `: ${printable(reason)}`}`,
    `  stores   ${formatSize(stores.keyValueBytes)} of keys and values, ${formatSize(stores.blobBytes)} of objects`,
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
