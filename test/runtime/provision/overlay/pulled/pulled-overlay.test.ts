import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CloudletError,
  type Digest,
  digestOfHex,
  parseDeploymentRequest,
} from '../../../../../guest-sdk/protocol/index.ts';
import type { FunctionPublishers } from '../../../../../runtime/grant/index.ts';
import type { Offer, Provisioned, RungProgress } from '../../../../../runtime/provision/deployment/rung.ts';
import { type Wish, wishOf } from '../../../../../runtime/provision/deployment/wish.ts';
import { overlayManifestText } from '../../../../../runtime/provision/overlay/overlay-manifest.ts';
import type { OverlayRungParts } from '../../../../../runtime/provision/overlay/overlay-rungs.ts';
import { pulledOverlay } from '../../../../../runtime/provision/overlay/pulled/pulled-overlay.ts';
import type { AdoptedVm } from '../../../../../runtime/service/index.ts';
import { labPublishers } from '../../../../support/service-hall-lab.ts';
import { LAB_ACCELERATOR, LabVm, SynthesisLab } from '../../../../support/synthesis-lab.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);

interface Context {
  lab: SynthesisLab;
  server: Server;
  address: string;
  /** The overlay as a file. */
  file: Buffer;
  hasRanges: boolean;
  /** Answers in place of the file, once each. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void)[];
  ranges: string[];
  told: string[];
  reports: RungProgress[];
}

const pulled = suite<Context>('an overlay at an address');
pulled.before.each(async (context) => {
  const lab = await SynthesisLab.open(SEED);
  Object.assign(context, { lab, hasRanges: true, instead: [], ranges: [], told: [], reports: [] });
  context.file = fileOf(lab);
  const server = createServer((request, response) => answer(context, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.server = server;
  context.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ocr.overlay`;
});
pulled.after.each(async ({ lab, server }) => {
  server.closeAllConnections();
  server.close();
  await lab.close();
});

function fileOf(lab: SynthesisLab, segments: readonly Buffer[] = lab.segments): Buffer {
  const manifest = Buffer.from(overlayManifestText(lab.manifest));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(manifest.length);
  return Buffer.concat([Buffer.from('cloudlet-overlay'), length, manifest, ...segments]);
}

function answer(context: Context, request: IncomingMessage, response: ServerResponse): void {
  const { file, hasRanges, instead, ranges } = context;
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  ranges.push(request.headers.range ?? 'all');
  // The first asks for the manifest.
  const other = ranges.length > 1 ? instead.shift() : undefined;
  if (other !== undefined) {
    other(request, response);
    return;
  }
  if (match === null || !hasRanges) {
    response.end(file);
    return;
  }
  const [start, end] = [Number(match[1]), Math.min(Number(match[2]) + 1, file.length)];
  response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${file.length}` });
  response.end(file.subarray(start, end));
}

async function pull(
  context: Context,
  change: Record<string, unknown> = {},
  privateNetworks = ['127.0.0.0/8'],
  policy: FunctionPublishers = 'anyone',
) {
  const { lab, told, reports, address } = context;
  const services = {
    adopt: async (name: string, adopted: AdoptedVm, { signal }: { signal: AbortSignal }) => {
      await adopted.open(signal);
      told.push(`adopt ${name} ${adopted.image}`);
    },
    put: (name: string, image: Digest) => void told.push(`put ${name} ${image}`),
    start: async (name: string) => void told.push(`start ${name}`),
    list: () => [],
  } as unknown as OverlayRungParts['services'];
  const rung = pulledOverlay({
    images: lab.store,
    services,
    accelerator: async () => LAB_ACCELERATOR,
    restore: async (options) => {
      const vm = await LabVm.restore(options);
      lab.vms.push(vm);
      return vm.vm;
    },
    policy: { http: 'any-public', privateNetworks },
    publishers: labPublishers(policy),
  });
  const { want } = parseDeploymentRequest({ want: { service: 'ocr', from: address, ...change } });
  const offer = (await rung.offer(wishOf(want as Wish['want'], {}), lab.stop.signal)) as Offer;
  assert.equal(offer.missing, []);
  const report = (progress: RungProgress) => void reports.push(progress);
  return offer.provision({ parts: lab.parts, report, signal: lab.stop.signal });
}

const failureOf = (promise: Promise<Provisioned>): Promise<CloudletError> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: CloudletError) => error,
  ) as Promise<CloudletError>;

for (const hasRanges of [true, false]) {
  pulled(`is applied while it comes, of a server ${hasRanges ? 'with' : 'without'} ranges`, async (context) => {
    context.hasRanges = hasRanges;
    const { lab, told, reports, ranges } = context;
    const done = await pull(context);
    const { digest } = lab.read();
    assert.equal([done.kind, done.address], ['service', '/s/ocr/']);
    assert.equal(told, [`adopt ocr ${digest}`, `put ocr ${done.digest}`]);
    assert.equal(
      reports.filter(({ stage }, at) => stage !== reports[at - 1]?.stage).map(({ stage }) => stage)[0],
      'connecting',
    );
    assert.is(ranges.length, hasRanges ? 1 + lab.segments.length : 1);
    assert.equal(lab.parts.asked, [], 'the device is asked for nothing');
    assert.equal(await pull(context), done);
    assert.equal(told.slice(2), [`put ocr ${done.digest}`, 'start ocr'], 'it was applied before');
  });
}

pulled('that nobody signed is refused by its manifest where the policy asks for a signature', async (context) => {
  const error = await failureOf(pull(context, {}, undefined, 'pinned'));
  assert.is(error.code, 'signature-invalid');
  assert.match(error.message, /expected "ocr" signed by its publisher/);
  assert.equal([context.ranges.length, context.lab.vms, context.told], [1, [], []], 'no segment was fetched');
});

pulled('of a server with ranges that breaks off goes on at the segment', async (context) => {
  context.instead.push((_, response) => {
    response.writeHead(206, { 'content-range': 'bytes 0-9/10' });
    response.end('wrong place');
  });
  context.instead.push((request, response) => {
    const start = /^bytes=(\d+)/.exec(request.headers.range!)![1];
    response.writeHead(206, { 'content-range': `bytes ${start}-/*`, 'content-length': '1000000' });
    response.write('a few bytes', () => response.destroy());
  });
  assert.is((await pull(context)).kind, 'service');
  assert.is(context.ranges.length, 1 + context.lab.segments.length + 2);
});

const REFUSALS: readonly [string, (context: Context) => void, string, RegExp, Record<string, unknown>?, string[]?][] = [
  ['that is forged', (c) => void c.file.fill(0, c.file.length - 1), 'overlay-refused', /expected the segment sha256:/],
  ['that is none', (c) => void c.file.fill(0, 0, 4), 'overlay-refused', /does not begin as one/],
  [
    'that is torn in its manifest',
    (c) => {
      c.file = c.file.subarray(0, 100);
    },
    'network-unavailable',
    /it ended after/,
  ],
  [
    'whose manifest is too long',
    (c) => void c.file.fill(0xff, 16, 20),
    'overlay-refused',
    /its manifest has 4294967295 bytes/,
  ],
  ['on this computer', () => undefined, 'network-unavailable', /ocr\.overlay: expected an answer/, {}, []],
];
for (const [what, damage, code, sentence, change, networks] of REFUSALS) {
  for (const hasRanges of [true, false]) {
    pulled(`${what} is refused and leaves nothing, ${hasRanges ? 'with' : 'without'} ranges`, async (context) => {
      context.hasRanges = hasRanges;
      damage(context);
      const error = await failureOf(pull(context, change, networks));
      assert.equal([error.code, sentence.test(error.message)], [code, true], error.message);
      assert.equal([await context.lab.leftOvers(), context.told.filter((line) => line.startsWith('put'))], [[], []]);
    });
  }
}

pulled('that is not the one that was meant is refused', async (context) => {
  const overlay = { ...context.lab.manifest, about: 'another' };
  const error = await failureOf(pull(context, { overlay }));
  assert.is(error.code, 'overlay-refused');
  assert.match(error.message, /expected the overlay sha256:[0-9a-f]{64}, got sha256:/);
});

pulled('on a base that is not here is refused before a segment is asked for', async (context) => {
  const { lab } = context;
  const manifest = { ...lab.manifest, base: digestOfHex('0'.repeat(64)) };
  context.file = fileOf({ ...lab, manifest, segments: lab.segments } as SynthesisLab);
  assert.is((await failureOf(pull(context))).code, 'base-unknown');
  assert.is(context.ranges.length, 1);
});

for (const status of [401, 403]) {
  pulled(`behind status ${status} is refused with the remedy`, async (context) => {
    const { server } = context;
    server.removeAllListeners('request');
    server.on('request', (_, response) => response.writeHead(status).end());
    const error = await failureOf(pull(context));
    assert.is(error.code, 'network-unavailable');
    assert.match(error.message, new RegExp(`got ${status}: .*npx cloudlet deploy FILE`));
  });
}

pulled.run();
