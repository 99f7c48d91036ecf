import { failureOf, isRegistryAddress } from '../../guest-sdk/client/index.ts';
import { deployable } from './deploy/deployable.ts';
import { deploying } from './deploy/deploying.ts';
import { drawnDeployment, type EndedDeployment, sentSentence } from './deploy/drawn-deployment.ts';
import { lookupAt } from './deploy/name-lookup.ts';
import { parseRequirements } from './deploy/requirement-words.ts';
import { clientFor, type HostFlags, keptFor, withHostFlags } from './host-access/host-flags.ts';
import { DENY_FLAG } from './package/denied-words.ts';
import { expectRegistry, PULL_FLAG, pulledByHost } from './package/host-pull.ts';
import { settlePublisher } from './package/source.ts';
import { printable } from './terminal/printable.ts';
import { showProgress } from './terminal/progress.ts';
import type { Verb } from './verb.ts';

interface DeployFlags extends HostFlags {
  readonly name?: string;
  readonly grant?: string;
  readonly deny?: string;
  readonly key?: string;
  readonly user?: string;
  readonly insecure?: boolean;
  readonly strip?: boolean;
  readonly service?: boolean;
  readonly from?: string;
  readonly pull?: string;
  readonly trust?: string;
  readonly require?: readonly string[];
  readonly json?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('deploy [what]')
    .description(
      'have a function or service on the host by the cheapest way: running, cached, fetched, sent, made (default: the project in this folder)',
    )
    .option('--name <name>', 'its name there (default: its own, or that of the file)')
    .option('--grant <file>', 'what a component asks for, as a cloudlet.json says it')
    .option('--key <file>', 'sign it with this private key; make one with: npx cloudlet store keys new FILE')
    .option('--user <user:password>', 'for a registry (default CLOUDLET_REGISTRY_AUTH)')
    .option('--insecure', 'ask a registry by plain HTTP, also on another computer')
    .option(...DENY_FLAG)
    .option('--strip', 'build a project without names of functions and source maps, which only stacks show')
    .option('--service', 'what is named is a service: a name, the address of an overlay, a folder with a recipe')
    .option('--from <url>', 'where the host can fetch it as well')
    .option('--trust <fingerprint>', 'the key that its name belongs to from now on')
    .option(
      '--require <key=value...>',
      'what the host must have, such as memoryMib=512.. isa=x86_64; the word "or" begins an alternative',
    )
    .option(...PULL_FLAG)
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (named: string | undefined, flags: DeployFlags) => {
    const what = named ?? '.';
    const signal = interruption();
    const requirements = parseRequirements(flags.require ?? []);
    expectRegistry(what, flags.pull);
    const client = await clientFor(flags);
    const pulled =
      isRegistryAddress(what) && flags.from === undefined
        ? await pulledByHost(client, what, flags, requirements, signal)
        : null;
    if (pulled !== null) return print(pulled, client.url, flags.json === true);
    const found = await deployable(what, flags, lookupAt(client, flags.service === true, signal), signal);
    const kept = keptFor(flags);
    const progress = showProgress(found.name);
    try {
      await settlePublisher(client, found.name, found, flags, signal);
      const end = await drawnDeployment(
        deploying(client, found, { requirements, kept }, signal),
        found.bytes,
        progress,
      );
      const failure = failureOf(end.deployment);
      if (failure !== null) throw failure;
      if (found.kind === 'function') await kept.keep(found.component);
      print(end, client.url, flags.json === true);
    } finally {
      progress.clear();
      await found.close();
    }
  });
};

function print(end: EndedDeployment, url: string, json: boolean): void {
  const { deployment, sentBytes, savedBytes } = end;
  const { name, kind, rung, address = '', published } = deployment;
  if (json) {
    console.log(JSON.stringify({ ...deployment, address: `${url}${address}`, sentBytes, savedBytes }));
    return;
  }
  console.log(`${name}  ${kind}${published === undefined ? '' : `, version ${published.version}`}  (${rung})`);
  console.log(`  address  ${url}${address}`);
  console.log(`  sent     ${sentSentence(end)}`);
  for (const warning of published?.warnings ?? []) console.error(`warning: ${printable(warning)}`);
}

export default verb;
