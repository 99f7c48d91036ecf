// end to end
// time limit: 900 s
/**
 * What a push sends, counted on the wire: real guests of four languages, built twice with a small change between.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, scaffold } from '../../guest-sdk/build/index.ts';
import { contentOf, createClient, type DeployNews, type HeldDictionary } from '../../guest-sdk/client/index.ts';
import { zstdCompression } from '../../guest-sdk/client/zstd-compression.ts';
import { type Digest, digestOfHex, parseName, writePackage } from '../../guest-sdk/protocol/index.ts';
import { nodeTransport } from '../../host/cli/host-access/node-transport.ts';
import { hostConfig } from '../../host/config.ts';
import { silentJournal } from '../../host/journal.ts';
import { type Serving, serve } from '../../host/main.ts';
import { guest } from '../support/guest.ts';
import { SeededRandom } from '../support/random.ts';
import { ShapedLink } from '../support/shaped-link.ts';

const thrifty = suite('what a push sends');
const FAST = { bitsPerS: 1e9, roundTripMs: 0 };
let folder: string;
let serving: Serving;

thrifty.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-thrifty-'));
  serving = await start('host');
});
thrifty.after(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(name: string): Promise<Serving> {
  const flags = { port: 0, data: join(folder, name, 'data'), cache: join(folder, name, 'cache'), sandbox: 'process' };
  const options = { journal: silentJournal, say: () => {}, handleSignals: false, advertise: false };
  return serve(hostConfig(flags, { environment: {}, home: folder, isRoot: false }), {
    // What counts is which bytes of a link that breaks this process had read: nothing is to hold it up.
    translatorAhead: false,
    ...options,
  });
}

const portOf = ({ url }: Serving): number => Number(new URL(url).port);
const digestOf = (bytes: Uint8Array): Digest => digestOfHex(createHash('sha256').update(bytes).digest('hex'));
const held = (bytes: Uint8Array): HeldDictionary => ({ digest: digestOf(bytes), read: async () => bytes });

interface Pushed {
  readonly rung: string;
  readonly version: number | undefined;
  /** Bytes of bodies, and of all that went over the link. */
  readonly bodies: number;
  readonly wire: number;
}

async function push(
  name: string,
  bytes: Uint8Array,
  dictionaries: readonly HeldDictionary[] = [],
  { to = serving, digest }: { readonly to?: Serving; readonly digest?: Digest } = {},
): Promise<Pushed> {
  const link = await ShapedLink.open(portOf(to), FAST);
  try {
    const url = `http://127.0.0.1:${link.port}`;
    const token = to.cloudlet.ownerToken;
    const client = createClient({ url, token, transport: nodeTransport, compression: zstdCompression });
    let last: DeployNews | undefined;
    for await (last of client.push(parseName(name), contentOf(bytes), { dictionaries, digest }));
    if (last?.kind !== 'ended') throw new Error('a push ended without its end');
    const { rung, stage, published, problem } = last.deployment;
    assert.is(stage, 'ready', problem?.detail);
    return { rung, version: published?.version, bodies: last.sentBytes, wire: link.passed.there };
  } finally {
    await link.close();
  }
}

/** A template's component, and that of the same with one more word in one of its texts. */
async function twoVersions(template: string): Promise<[Uint8Array, Uint8Array]> {
  const project = join(folder, template);
  await scaffold(template, project, template);
  const [source] = await readdir(join(project, 'src'));
  const path = join(project, 'src', source!);
  const made = async (version: number): Promise<Uint8Array> =>
    readFile((await build(project, { output: join(folder, `${template}-${version}`) })).component);
  const one = await made(1);
  const text = await readFile(path, 'utf8');
  const changed = text.replace(/(['"`])([A-Za-z][^'"`\n%./:]{2,}[ !?,][^'"`\n]*)\1/, '$1new $2$1');
  assert.is.not(changed, text, `a text to change in ${path}`);
  await writeFile(path, changed);
  return [one, await made(2)];
}

let engine: Uint8Array | undefined;
for (const template of ['c-command', 'c-typed', 'typescript-http', 'assemblyscript-typed', 'rust-http'])
  thrifty(`${template}: version 2 costs at most 15 % of version 1`, async () => {
    const [one, two] = await twoVersions(template);
    if (template === 'typescript-http') engine = one;
    const first = await push(template, one);
    const second = await push(template, two, [held(one)]);
    assert.equal([first.version, second.version, second.rung], [1, 2, 'difference']);
    assert.ok(second.bodies <= 0.15 * first.bodies, `${second.bodies} of ${first.bodies} bytes of bodies`);
    // Of the smallest the heads of three requests are a quarter.
    if (one.length > 50_000) assert.ok(second.wire <= 0.15 * first.wire, `${second.wire} of ${first.wire} bytes`);
    console.log(`${template}: ${one.length} bytes; sent ${first.wire}, then ${second.wire}`);
  });

thrifty('another computer, with nothing kept, finds the chunks that are there', async () => {
  const bytes = Buffer.from(engine!);
  // A function of another text with the same engine.
  const at = bytes.indexOf('Hello');
  assert.ok(at > 0);
  bytes.write('Hallo', at);
  const other = await push('first-of-its-name', bytes);
  assert.is(other.rung, 'difference');
  assert.ok(other.wire < 0.15 * engine!.length, `${other.wire} of ${engine!.length} bytes`);
});

thrifty('a data layer that any function has is not sent again', async () => {
  const component = await readFile(await guest('typed'));
  const model = new SeededRandom(31).bytes(6_000_000);
  const grant = { files: [{ path: '/model', from: 'model' }] };
  const packed = await writePackage({ component, grant, files: [['model/weights', model]] });
  const first = await push('one-model', Buffer.concat(packed.pieces), [], { digest: packed.digest });
  assert.ok(first.wire > model.length);
  const changed = { ...grant, environment: { MODE: 'other' } };
  const other = await writePackage({ component, grant: changed, files: [['model/weights', model]] });
  const second = await push('other-model', Buffer.concat(other.pieces), [], { digest: other.digest });
  assert.is(second.rung, 'difference');
  assert.ok(second.wire < 0.02 * model.length, `${second.wire} of ${model.length} bytes`);
});

thrifty('a push that broke off resumes, and at most 5 % goes twice', async () => {
  const [whole, broken] = [await start('whole'), await start('broken')];
  try {
    const { wire } = await push('whole', engine!, [], { to: whole });
    const link = await ShapedLink.open(portOf(broken), { bitsPerS: 1e6, roundTripMs: 10 });
    const leave = new AbortController();
    const client = createClient({
      ...{ url: `http://127.0.0.1:${link.port}`, token: broken.cloudlet.ownerToken },
      ...{ transport: nodeTransport, compression: zstdCompression },
    });
    const watch = setInterval(() => {
      if (link.passed.there > wire / 2) leave.abort(new Error('pulled the plug'));
    }, 5);
    const news = client.push(parseName('half'), contentOf(engine!), { signal: leave.signal });
    const error = await (async () => {
      for await (const _ of news);
    })().catch((thrown: Error) => thrown);
    clearInterval(watch);
    assert.match(String(error), /pulled the plug/);
    await link.close();
    const rest = await push('half', engine!, [], { to: broken });
    assert.ok(link.passed.there > wire / 2 && rest.wire < 0.6 * wire, `${link.passed.there}, then ${rest.wire}`);
    // The list of chunks is asked with again; what the link had not delivered when it broke counts.
    const twice = link.passed.there + rest.wire - wire;
    assert.ok(twice <= 0.05 * wire, `${twice} of ${wire} bytes went twice`);
  } finally {
    await Promise.all([whole.close(), broken.close()]);
  }
});

thrifty.run();
