import * as v from 'valibot';
import { Fingerprint, parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { table } from './terminal/table.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

type Flags = HostFlags & { readonly json?: boolean };

const verb: Verb = (program) => {
  const publisher = program.command('publisher').description("whose the names of functions are: publishers' keys");
  const listed = publisher
    .command('ls', { isDefault: true })
    .description('names that belong to a key, and what the policy asks for')
    .option('--json', 'print JSON');
  withHostFlags(listed).action(async (flags: Flags) => {
    const found = await (await clientFor(flags)).publishers.list();
    if (flags.json) return console.log(JSON.stringify(found));
    if (found.publishers.length === 0) return console.log(`no name belongs to a key (policy: ${found.policy})`);
    const rows = found.publishers.map(({ name, fingerprint, since }) => [name, fingerprint, since]);
    console.log(table([['NAME', 'PUBLISHER', 'SINCE'], ...rows]).join('\n'));
  });
  const accepted = publisher
    .command('accept <name> <fingerprint>')
    .description(
      "make a name a key's, in place of an earlier one's; compare the fingerprint with what its publisher says",
    )
    .option('--json', 'print JSON');
  withHostFlags(accepted).action(async (text: string, fingerprint: string, flags: Flags) => {
    const name = typed(() => parseName(text));
    if (!v.is(Fingerprint, fingerprint))
      throw new UsageError(`expected the 43 characters of a fingerprint, got ${JSON.stringify(fingerprint)}`);
    await (await clientFor(flags)).publishers.accept(name, fingerprint);
    console.log(flags.json ? JSON.stringify({ name, fingerprint }) : `${name} belongs to ${fingerprint} now`);
  });
  const forgotten = publisher
    .command('forget <name>')
    .description("make a name nobody's: the next key that signs for it has it")
    .option('--json', 'print JSON');
  withHostFlags(forgotten).action(async (text: string, flags: Flags) => {
    const name = typed(() => parseName(text));
    await (await clientFor(flags)).publishers.forget(name);
    console.log(flags.json ? JSON.stringify({ name, fingerprint: null }) : `${name} belongs to nobody now`);
  });
};

export default verb;
