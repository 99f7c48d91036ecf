import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import * as v from 'valibot';
import { canonicalBytes, Fingerprint, parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import type { AddFlags } from './store/add.ts';
import type { GetFlags } from './store/get.ts';
import type { ListFlags } from './store/show.ts';
import { printable } from './terminal/printable.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

type Json = HostFlags & { readonly json?: boolean };

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const verb: Verb = (program, { interruption }) => {
  const store = program
    .command('store')
    .description('what a cloudlet offers to devices: functions, services, applications');

  const list = store
    .command('ls [words...]')
    .description('entries, those with all the words when there are any')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(['function', 'service', 'application']))
    .option('--os <os>', 'only what runs on this system, such as android')
    .option('--os-version <version>', 'and on this version of it')
    .option('--tag <tag>', 'only with this tag; may be given several times', several)
    .option('--page <number>', 'of 50 entries; the first is 1')
    .option('--json', 'print JSON');
  withHostFlags(list).action(async (words: string[], flags: Json & ListFlags) => {
    const { printList } = await import('./store/show.ts');
    await printList(await clientFor(flags), words, flags);
  });

  const show = store
    .command('show <name>')
    .description('an entry: files, publisher, revisions')
    .option('--json', 'print JSON');
  withHostFlags(show).action(async (text: string, flags: Json) => {
    const { printEntry } = await import('./store/show.ts');
    const name = typed(() => parseName(text));
    await printEntry(await clientFor(flags), name, flags.json === true);
  });

  const add = withEntryFlags(
    store
      .command('add <what>')
      .description(
        'offer a file, an overlay or recipe of a service, a folder of pages (--web), or what an entry.json describes',
      ),
  );
  withHostFlags(add).action(async (what: string, flags: Json & AddFlags) => {
    const { addEntry } = await import('./store/add.ts');
    if (flags.trust !== undefined) fingerprint(flags.trust);
    const client = await clientFor(flags);
    const added = await addEntry(client, what, flags, interruption());
    if (flags.json) return console.log(JSON.stringify(added));
    console.log(`${added.name}  ${printable(added.version)}  revision ${added.revision}`);
    console.log(`  digest     ${added.digest}`);
    if (added.publisher !== null) console.log(`  signed by  ${added.publisher}`);
    console.log(`  address    ${client.url}/store/${added.name}`);
  });

  const get = store
    .command('get <name>')
    .description('fetch the files of an entry, verified here, into a folder')
    .option('--publisher <fingerprint>', 'who must have signed it; may be given several times', several)
    .option('--unsigned', 'take it from whoever the cloudlet took it from')
    .option('-o, --output <folder>', 'where to (default: here)')
    .option('--os <os>', 'only files for this system')
    .option('--os-version <version>', 'and for this version of it')
    .option('--json', 'print JSON');
  withHostFlags(get).action(async (text: string, flags: Json & GetFlags) => {
    const { getEntry } = await import('./store/get.ts');
    const name = typed(() => parseName(text));
    await getEntry(await clientFor(flags), name, flags, interruption());
  });

  const install = store
    .command('install <name>')
    .description('have the server of an entry provisioned, and say where everything is')
    .option('--json', 'print JSON');
  withHostFlags(install).action(async (text: string, flags: Json) => {
    const { printInstalled } = await import('./store/show.ts');
    const name = typed(() => parseName(text));
    await printInstalled(await clientFor(flags), name, flags.json === true, interruption());
  });

  const remove = store.command('rm <name>').description('offer an entry no more').option('--json', 'print JSON');
  withHostFlags(remove).action(async (text: string, flags: Json) => {
    const name = typed(() => parseName(text));
    await (await clientFor(flags)).store.remove(name);
    console.log(flags.json ? JSON.stringify({ removed: name }) : `removed ${name}`);
  });

  store
    .command('sign <entry>')
    .description('sign what an entry.json describes, for somebody else to add')
    .requiredOption('--key <file>', 'private key, see: store keys new')
    .requiredOption(
      '-o, --output <file>',
      'what is written, such as notes.entry; files are looked for beside it when it is added',
    )
    .option('--json', 'print JSON')
    .action(async (path: string, { key, output, json }: { key: string; output: string; json?: boolean }) => {
      const [{ readEntrySource }, { signWithFile }] = await Promise.all([
        import('./store/entry-source.ts'),
        import('./key-file.ts'),
      ]);
      const { manifest } = await readEntrySource(path);
      const { signature, fingerprint: signer } = await signWithFile(canonicalBytes(manifest), 'entry', key);
      await writeFile(output, `${JSON.stringify({ manifest, signature }, null, 2)}\n`);
      console.log(
        json
          ? JSON.stringify({ output, fingerprint: signer })
          : `signed ${manifest.name} as ${signer} in ${printable(output)}`,
      );
    });

  const keys = store.command('keys').description('keys of publishers that the cloudlet accepts');
  const listed = keys.command('ls', { isDefault: true }).description('list them').option('--json', 'print JSON');
  withHostFlags(listed).action(async (flags: Json) => {
    const { printKeys } = await import('./store/show.ts');
    await printKeys(await clientFor(flags), flags.json === true);
  });
  keys
    .command('new <file>')
    .description('make a key to sign entries with; it stays here')
    .option('--json', 'print JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { writeNewKey } = await import('./key-file.ts');
      const made = await writeNewKey(path);
      console.log(
        json ? JSON.stringify({ file: path, fingerprint: made }) : `made ${printable(path)}\n  fingerprint  ${made}`,
      );
    });
  const forget = keys
    .command('rm <fingerprint>')
    .description('accept a key no more')
    .option('--json', 'print JSON')
    // One fingerprint of 64 begins with a "-".
    .allowUnknownOption();
  withHostFlags(forget).action(async (text: string, flags: Json) => {
    await (await clientFor(flags)).store.forgetPublisher(fingerprint(text));
    console.log(flags.json ? JSON.stringify({ forgotten: text }) : `accepts ${text} no more`);
  });
};

function withEntryFlags(command: Command): Command {
  return command
    .option('--kind <kind>', 'function, service or application (default: by the end of the name, such as .wasm)')
    .option('--name <name>', "the entry's name (default: the file's)")
    .option('--title <text>', 'what people read (default: the name)')
    .option('--version <version>', "the publisher's word for this version (default: 1)")
    .option('--description <text>', 'a few sentences')
    .option('--tag <tag>', 'may be given several times', several)
    .option('--homepage <url>', 'where more is to be read')
    .option('--icon <file>', 'a PNG, JPEG or WebP of at most 512 KiB')
    .option('--os <os>', 'the system that the file is for (default: by its name, such as android for .apk)')
    .option('--os-version <version>', 'the lowest version of it')
    .option('--media-type <type>', 'of the file (default: by its name)')
    .option('--web', 'the folder, tar or zip holds pages that the cloudlet serves')
    .option('--server <entry>', 'the entry that is provisioned when this one is installed')
    .option('--key <file>', 'sign with this private key')
    .option('--trust <fingerprint>', 'have the cloudlet accept this key from now on')
    .option('--json', 'print JSON');
}

function fingerprint(text: string): string {
  if (v.is(Fingerprint, text)) return text;
  throw new UsageError(`expected the 43 characters of a fingerprint, got ${JSON.stringify(text)}`);
}

export default verb;
