import type { Command } from 'commander';
import { parseName, type ServiceInfo, type ServiceVmInfo } from '../../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from '../host-access/host-flags.ts';
import { logLines } from '../terminal/log-text.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize, shortDigest } from '../terminal/size.ts';
import { table } from '../terminal/table.ts';
import { typed } from '../usage-error.ts';
import type { Verb } from '../verb.ts';

interface Flags extends HostFlags {
  readonly json?: boolean;
}

/** `vm ls|start|stop|renew|logs|rm`: services, and the VMs in which they run. */
const verb: Verb = (vm, { interruption }) => {
  const part = (words: string, description: string): Command =>
    withHostFlags(vm.command(words).description(description).option('--json', 'print JSON'));

  part('ls', 'services and their VMs: users, age, memory').action(async (flags: Flags) => {
    const services = await (await clientFor(flags)).services.list();
    if (flags.json) return console.log(JSON.stringify({ services }));
    if (services.length === 0) return console.error('no services yet; make one with: npx cloudlet deploy WHAT');
    console.log(
      table([
        ['SERVICE', 'VM', 'STATE', 'MODE', 'USERS', 'AGE', 'MEMORY', 'PORT', 'IMAGE'],
        ...services.flatMap(rows),
      ]).join('\n'),
    );
  });

  part('start <name>', 'join the VM of a service that others share, or start it')
    .option('--own', 'another VM, that nobody else uses')
    .option('--port', 'with a raw TCP port, for protocols other than HTTP; it asks nobody who he is')
    .action(async (text: string, flags: Flags & { own?: boolean; port?: boolean }) => {
      const name = typed(() => parseName(text));
      const client = await clientFor(flags);
      const asked = { mode: flags.own ? 'own' : 'join', port: flags.port === true } as const;
      const started = await client.services.start(name, asked, interruption());
      if (flags.json) return console.log(JSON.stringify(started));
      console.log(`${name}  ${started.id} (${started.mode}) serves at ${client.url}/s/${name}/`);
      if (started.port !== null) console.log(`  tcp     ${new URL(client.url).hostname}:${started.port}`);
      if (started.expiresAt !== null) console.log(`  until   ${started.expiresAt}, unless it is used or renewed`);
    });

  part('stop <name> [vm]', 'end a VM of a service, or all of them; nothing is left of them').action(
    async (text: string, id: string | undefined, flags: Flags) => {
      const name = typed(() => parseName(text));
      await (await clientFor(flags)).services.stop(name, id);
      console.log(flags.json ? JSON.stringify({ stopped: name, vm: id ?? null }) : `stopped ${printable(id ?? name)}`);
    },
  );

  part('renew <name> [vm]', "begin a VM's lease anew").action(
    async (text: string, id: string | undefined, flags: Flags) => {
      const name = typed(() => parseName(text));
      const renewed = await (await clientFor(flags)).services.renew(name, id);
      console.log(flags.json ? JSON.stringify(renewed) : `${renewed.id} lives until ${renewed.expiresAt}`);
    },
  );

  part('logs <name>', 'what the consoles of its VMs say, and what the host says of them')
    .option('-f, --follow', 'go on with the lines to come, until interrupted')
    .action(async (text: string, flags: Flags & { follow?: boolean }) => {
      const name = typed(() => parseName(text));
      const client = await clientFor(flags);
      for await (const line of client.services.logs(name, { follow: flags.follow === true, signal: interruption() })) {
        console.log(flags.json ? JSON.stringify(line) : logLines(line).join('\n'));
      }
    });

  part('rm <name>', 'remove a service with its VMs and its log').action(async (text: string, flags: Flags) => {
    const name = typed(() => parseName(text));
    await (await clientFor(flags)).services.remove(name);
    console.log(flags.json ? JSON.stringify({ removed: name }) : `removed ${name}`);
  });
};

/** A service's VMs as rows; one that has none is a row all the same. */
function rows({ name, image, vms, failure }: ServiceInfo): string[][] {
  const digest = shortDigest(image);
  if (vms.length === 0)
    return [
      [name, '-', failure === undefined ? 'stopped' : `failed: ${failure.code}`, '-', '-', '-', '-', '-', digest],
    ];
  return vms.map((vm) => [
    name,
    vm.id,
    vm.state,
    vm.mode,
    String(vm.users),
    age(vm),
    formatSize(vm.privateBytes),
    String(vm.port ?? '-'),
    shortDigest(vm.image),
  ]);
}

/** Since when it is there, in the largest unit that tells something. */
function age({ startedAt }: ServiceVmInfo): string {
  const s = Math.max(0, Math.floor((Date.now() - Date.parse(startedAt)) / 1000));
  if (s < 120) return `${s} s`;
  return s < 7200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}

export default verb;
