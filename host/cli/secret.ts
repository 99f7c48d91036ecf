import { buffer } from 'node:stream/consumers';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { printable } from './terminal/printable.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

type SecretFlags = HostFlags & { readonly json?: boolean; readonly keepNewline?: boolean };

const verb: Verb = (program) => {
  const secret = program
    .command('secret')
    .description('secrets of a function, which its guests get and nobody else sees');
  const set = secret
    .command('set <name> <key>')
    .description('set a secret to what comes on standard input, without a line break at its end')
    .option('--keep-newline', 'keep a line break at the end')
    .option('--json', 'print JSON');
  withHostFlags(set).action(async (text: string, key: string, flags: SecretFlags) => {
    const name = typed(() => parseName(text));
    const client = await clientFor(flags);
    // Not as a word: those are in the shell's history and in the list of processes.
    if (process.stdin.isTTY) console.error('cloudlet: type the secret; end it with Ctrl-D');
    const given = await buffer(process.stdin);
    const value = flags.keepNewline === true ? given : withoutNewline(given);
    if (value.length === 0)
      throw new UsageError(
        `expected the secret on standard input, got nothing; for instance: printf %s VALUE | npx cloudlet secret set ${name} ${key}`,
      );
    await client.setSecret(name, key, value);
    console.log(flags.json ? JSON.stringify({ function: name, set: key }) : `set ${printable(key)} of ${name}`);
    const { secrets } = (await client.function(name)).grant;
    // It may be set before the version that asks for it is published, so this is no failure.
    if (!secrets.includes(key))
      console.error(
        `warning: ${name} does not get ${printable(key)}: the secrets of its cloudlet.json are ${secrets.length === 0 ? 'none' : secrets.map(printable).join(', ')}`,
      );
  });
  const remove = secret.command('rm <name> <key>').description('remove a secret').option('--json', 'print JSON');
  withHostFlags(remove).action(async (text: string, key: string, flags: SecretFlags) => {
    const name = typed(() => parseName(text));
    await (await clientFor(flags)).removeSecret(name, key);
    console.log(flags.json ? JSON.stringify({ function: name, removed: key }) : `removed ${printable(key)} of ${name}`);
  });
  const list = secret
    .command('ls <name>')
    .description('names of the secrets that are set, and of those that are missing')
    .option('--json', 'print JSON');
  withHostFlags(list).action(async (text: string, flags: SecretFlags) => {
    const { secretsSet = [], grant } = await (await clientFor(flags)).function(typed(() => parseName(text)));
    const missing = grant.secrets.filter((key) => !secretsSet.includes(key));
    if (flags.json) return console.log(JSON.stringify({ set: secretsSet, missing }));
    if (secretsSet.length + missing.length === 0)
      return console.error(
        `no secrets; name them in "secrets" of cloudlet.json, or set one with: npx cloudlet secret set ${text} KEY`,
      );
    for (const key of secretsSet) console.log(printable(key));
    for (const key of missing) console.log(`${printable(key)}  (not set)`);
  });
};

function withoutNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

export default verb;
