import { type CloudletClient, failureOf } from '../../guest-sdk/client/index.ts';
import {
  type AcceptedDeployment,
  type Deployment,
  type DeploymentEvent,
  type DeploymentRequestInput,
  isEnded,
} from '../../guest-sdk/protocol/index.ts';
import { type Deployable, deployable } from './deploy/deployable.ts';
import { lookupAt } from './deploy/name-lookup.ts';
import { parseRequirements } from './deploy/requirement-words.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { printable } from './terminal/printable.ts';
import { type Progress, showProgress } from './terminal/progress.ts';
import { formatSize } from './terminal/size.ts';
import type { Verb } from './verb.ts';

interface DeployFlags extends HostFlags {
  readonly name?: string;
  readonly grant?: string;
  readonly service?: boolean;
  readonly from?: string;
  readonly require?: readonly string[];
  readonly json?: boolean;
}

const verb: Verb = (program, { interruption }) => {
  const command = program
    .command('deploy <what>')
    .description('have a function or service on the host by the cheapest way: running, cached, fetched, sent, made')
    .option('--name <name>', 'its name there (default: its own, or that of the file)')
    .option('--grant <file>', 'what a component asks for, as a cloudlet.json says it')
    .option('--service', 'what is named is a service: a name, the address of an overlay, a folder with a recipe')
    .option('--from <url>', 'where the host can fetch it as well')
    .option(
      '--require <key=value...>',
      'what the host must have, such as memoryMib=512.. isa=x86_64; the word "or" begins an alternative',
    )
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (what: string, flags: DeployFlags) => {
    const signal = interruption();
    const requirements = parseRequirements(flags.require ?? []);
    const client = await clientFor(flags);
    const found = await deployable(what, flags, lookupAt(client, flags.service === true, signal), signal);
    const progress = showProgress(found.name);
    try {
      const end = await deployed(client, found, { want: found.want, requirements }, progress, signal);
      const failure = failureOf(end.deployment);
      if (failure !== null) throw failure;
      print(end, client.url, flags.json === true);
    } finally {
      progress.clear();
      await found.close();
    }
  });
};

interface Ended {
  readonly deployment: Deployment;
  readonly sentBytes: number;
  /** Bytes of what is held here that needed not be sent; null when nothing is. */
  readonly savedBytes: number | null;
}

async function deployed(
  client: CloudletClient,
  { held, bytes }: Deployable,
  request: DeploymentRequestInput,
  progress: Progress,
  signal: AbortSignal,
): Promise<Ended> {
  for await (const news of client.deploy(request, { held, signal })) {
    switch (news.kind) {
      case 'accepted':
        begun(progress, news.deployment);
        break;
      case 'event':
        show(progress, news.event);
        break;
      case 'sent':
        break;
      case 'ended': {
        const { deployment, sentBytes } = news;
        return { deployment, sentBytes, savedBytes: bytes === null ? null : Math.max(0, bytes - sentBytes) };
      }
      default:
        throw news satisfies never;
    }
  }
  throw new Error('a deployment ended without its end');
}

function begun(progress: Progress, { rung, bytesMissing }: AcceptedDeployment): void {
  progress.note(`${rung}${bytesMissing === 0 ? '' : `, ${formatSize(bytesMissing)} to send`}`);
}

function show(progress: Progress, { event, data }: DeploymentEvent): void {
  switch (event) {
    case 'state':
      if (isEnded(data)) return;
      progress.stage(printable(data.stage));
      if (data.bytesTotal !== null && data.bytesTotal > 0)
        progress.amount(data.bytesDone, data.bytesTotal, data.estimateS);
      break;
    case 'rung':
      progress.note(`${data.from} failed (${printable(data.problem.detail)}); ${data.rung} is taken`);
      break;
    case 'log':
      for (const line of data.text.trimEnd().split('\n')) progress.note(printable(line));
      break;
  }
}

function print({ deployment, sentBytes, savedBytes }: Ended, url: string, json: boolean): void {
  const { name, kind, rung, address = '', published } = deployment;
  if (json) {
    console.log(JSON.stringify({ ...deployment, address: `${url}${address}`, sentBytes, savedBytes }));
    return;
  }
  console.log(`${name}  ${kind}${published === undefined ? '' : `, version ${published.version}`}  (${rung})`);
  console.log(`  address  ${url}${address}`);
  const saved = savedBytes === null || savedBytes === 0 ? '' : `, ${formatSize(savedBytes)} not needed`;
  console.log(`  sent     ${formatSize(sentBytes)}${saved}`);
  for (const warning of published?.warnings ?? []) console.error(`warning: ${printable(warning)}`);
}

export default verb;
