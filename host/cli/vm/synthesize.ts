import { failureOf } from '../../../guest-sdk/client/index.ts';
import { type DeploymentEvent, isEnded, parseName } from '../../../guest-sdk/protocol/index.ts';
import { overlayParts } from '../deploy/overlay-parts.ts';
import { clientFor, type HostFlags, withHostFlags } from '../host-access/host-flags.ts';
import { printable } from '../terminal/printable.ts';
import { type Progress, showProgress } from '../terminal/progress.ts';
import { formatSize } from '../terminal/size.ts';
import { typed } from '../usage-error.ts';
import type { Verb } from '../verb.ts';

interface SynthesizeFlags extends HostFlags {
  readonly name?: string;
  readonly json?: boolean;
}

const verb: Verb = (vm, { interruption }) => {
  const command = vm
    .command('synthesize')
    .description('have a service on the host by its overlay: it serves while the rest is still on its way')
    .argument('<overlay>', 'file that overlay create wrote')
    .option('--name <name>', "the service's name (default: the file's)")
    .option('--json', 'print JSON');
  withHostFlags(command).action(async (path: string, flags: SynthesizeFlags) => {
    const { openOverlayFile } = await import('../../../runtime/index.ts');
    const signal = interruption();
    const own = path
      .split('/')
      .at(-1)!
      .replace(/\.[^.]*$/, '');
    const name = typed(() => parseName(flags.name ?? own));
    const client = await clientFor(flags);
    const file = await openOverlayFile(path);
    const progress = showProgress(name);
    const startedAt = performance.now();
    try {
      const held = overlayParts(file, signal);
      const want = { service: name, overlay: JSON.parse(file.text) as Record<string, unknown> };
      let servedMs: number | null = null;
      for await (const news of client.deploy({ want }, { held, signal })) {
        if (news.kind === 'event') {
          if (news.event.event === 'state' && news.event.data.stage === 'serving')
            servedMs ??= performance.now() - startedAt;
          show(progress, news.event);
        } else if (news.kind === 'ended') {
          progress.clear();
          const failure = failureOf(news.deployment);
          if (failure !== null) throw failure;
          const address = `${client.url}${news.deployment.address ?? ''}`;
          const { deployment, sentBytes } = news;
          if (flags.json) console.log(JSON.stringify({ ...deployment, address, sentBytes, servedMs }));
          else
            console.log(
              `${name}  service  (${deployment.rung})\n  address  ${address}\n  sent     ${formatSize(sentBytes)} of ${formatSize(file.bytes)}`,
            );
        }
      }
    } finally {
      progress.clear();
      await file.close();
    }
  });
};

function show(progress: Progress, { event, data }: DeploymentEvent): void {
  if (event === 'rung') progress.stage(`${data.from} failed (${printable(data.problem.detail)}), ${data.rung}`);
  if (event !== 'state' || isEnded(data)) return;
  progress.stage(printable(data.stage));
  if (data.bytesTotal !== null && data.bytesTotal > 0) progress.amount(data.bytesDone, data.bytesTotal);
}

export default verb;
