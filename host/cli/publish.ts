import { type CloudletClient, isRegistryAddress } from '../../guest-sdk/client/index.ts';
import { type FunctionInfo, type Published, parseName } from '../../guest-sdk/protocol/index.ts';
import { sentSentence } from './deploy/drawn-deployment.ts';
import { publishedAlready, pushed, type SentBytes } from './deploy/pushed.ts';
import { clientFor, type HostFlags, keptFor, withHostFlags } from './host-access/host-flags.ts';
import { waysToInvoke } from './invoke/plan.ts';
import { DENY_FLAG } from './package/denied-words.ts';
import { expectRegistry, PULL_FLAG, pulledByHost } from './package/host-pull.ts';
import { publishableSource, settlePublisher } from './package/source.ts';
import { nameFor } from './publishable.ts';
import { printable } from './terminal/printable.ts';
import { formatSize } from './terminal/size.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

interface PublishFlags extends HostFlags {
  readonly name?: string;
  readonly grant?: string;
  readonly deny?: string;
  readonly strip?: boolean;
  readonly key?: string;
  readonly trust?: string;
  readonly user?: string;
  readonly insecure?: boolean;
  readonly pull?: string;
  readonly json?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('publish [what]')
    .description(
      'push a component, a package (a file, or oci://HOST/NAME:TAG), or a project, which is built first (default: the one in this folder)',
    )
    .option('--name <name>', "the function's name (default: the project's, or the file's)")
    .option(
      '--grant <file>',
      'what a component asks for, as a cloudlet.json says it; its paths are relative to the file',
    )
    .option(...DENY_FLAG)
    .option('--strip', 'build a project without names of functions and source maps, which only stacks show')
    .option('--key <file>', 'sign with this private key; make one with: npx cloudlet store keys new FILE')
    .option('--trust <fingerprint>', 'the key that the name belongs to from now on')
    .option('--user <user:password>', 'for a registry (default CLOUDLET_REGISTRY_AUTH)')
    .option('--insecure', 'ask a registry by plain HTTP, also on another computer')
    .option(...PULL_FLAG)
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (named: string | undefined, flags: PublishFlags) => {
    const what = named ?? '.';
    const signal = interruption();
    if (flags.name !== undefined) typed(() => parseName(flags.name!));
    expectRegistry(what, flags.pull);
    const client = await clientFor(flags);
    const { name, published, end, warnings, pulledBy } = await publishedAs(client, what, flags, signal);
    print(published, end, client.url, pulledBy, flags.json === true);
    // On stderr, where they do not end in what a program reads.
    for (const warning of [...(published.warnings ?? []), ...warnings]) console.error(`warning: ${printable(warning)}`);
    const info = await client.function(name, signal);
    for (const key of info.grant.secrets.filter((each) => info.secretsSet?.includes(each) !== true))
      console.error(`warning: the secret ${key} is not set; set it with: npx cloudlet secret set ${name} ${key}`);
    if (!flags.json) printWays(info, client.url);
  });
};

/** Has the host pull what is in a registry, or sends it, and resolves with what became of it. */
async function publishedAs(client: CloudletClient, what: string, flags: PublishFlags, signal: AbortSignal) {
  const isReference = isRegistryAddress(what);
  const pulled = isReference ? await pulledByHost(client, what, flags, [], signal) : null;
  if (pulled !== null) {
    const name = parseName(pulled.deployment.name);
    const published = pulled.deployment.published ?? publishedAlready(await client.function(name, signal));
    return { name, published, end: pulled, warnings: [], pulledBy: 'host' as const };
  }
  const found = await publishableSource(what, flags, signal);
  const name = nameFor(flags.name, found.name);
  await settlePublisher(client, name, found, flags, signal);
  const { published, end } = await pushed(client, name, found, keptFor(flags), signal);
  return { name, published, end, warnings: found.warnings, pulledBy: isReference ? ('here' as const) : undefined };
}

function print(
  published: Published,
  end: SentBytes,
  url: string,
  pulledBy: 'host' | 'here' | undefined,
  json: boolean,
): void {
  const address = `${url}${published.address}`;
  if (json) {
    const { sentBytes, totalBytes, savedBytes } = end;
    const by = pulledBy === undefined ? {} : { pulledBy };
    console.log(JSON.stringify({ ...published, address, sentBytes, totalBytes, savedBytes, ...by }));
    return;
  }
  const { name, version, digest, sizeBytes, created } = published;
  console.log(`${name}  version ${version}${created ? '' : ' (already published)'}`);
  console.log(`  digest   ${digest}  (${formatSize(sizeBytes)})`);
  if (pulledBy !== undefined) console.log(`  pulled   ${pulledBy === 'host' ? 'by the host' : 'here, and sent'}`);
  console.log(`  sent     ${sentSentence(end)}`);
  console.log(`  address  ${address}`);
}

function printWays({ name, doors }: FunctionInfo, url: string): void {
  const addresses = doors.includes('http') ? [`${url}/f/${name}/`] : [];
  const [first, ...others] = [...waysToInvoke({ name, doors }), ...addresses];
  if (first !== undefined) console.log(`  invoke   ${first}`);
  for (const other of others) console.log(`           ${other}`);
}

export default verb;
