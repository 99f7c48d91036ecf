// time limit: 400 s
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Packr, Unpackr } from 'msgpackr';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../guest-sdk/build/index.ts';
import type { FunctionInfo, SandboxInfo, Status } from '../../guest-sdk/protocol/index.ts';
import { HostLab } from '../support/host-lab.ts';
import { readPng } from '../support/png.ts';
import { ended } from '../support/process-tree.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/photo', import.meta.url));
const MAIN = fileURLToPath(new URL('../../host/cli/main.ts', import.meta.url));

interface Context {
  host: HostLab;
  photograph: Uint8Array<ArrayBuffer>;
}
const photo = suite<Context>('a photograph over HTTP, into a component in a microVM, and back');

photo.before(async (context) => {
  const output = await mkdtemp(join(tmpdir(), 'cloudlet-photo-'));
  try {
    const { component } = await build(EXAMPLE, { output });
    context.host = await HostLab.open('microvm');
    await context.host.publish('photo', component);
  } finally {
    await rm(output, { recursive: true });
  }
  context.photograph = new Uint8Array(await readFile(join(EXAMPLE, 'photo.jpg')));
});
photo.after((context) => context.host.close());

photo('becomes a thumbnail of the size that was asked for', async ({ host, photograph }) => {
  const response = await host.ask('/v1/functions/photo/run?arg=thumbnail&arg=320', {
    method: 'POST',
    body: photograph,
  });
  assert.is(response.status, 200, await response.clone().text());
  assert.is(response.headers.get('cloudlet-exit-code'), '0');
  assert.match(
    response.headers.get('server-timing')!,
    /queue;dur=[\d.]+, start;dur=[\d.]+;desc="[\w-]+", run;dur=[\d.]+/,
  );
  assert.equal(jpegSize(Buffer.from(await response.arrayBuffer())), { width: 320, height: 214 });
});

photo(
  'becomes a map of its edges, bright where the picture changes and dark in the sky',
  async ({ host, photograph }) => {
    const response = await host.ask('/v1/functions/photo/run?arg=edges', { method: 'POST', body: photograph });
    assert.is(response.status, 200);
    const { width, height, pixels, channels } = readPng(Buffer.from(await response.arrayBuffer()));
    assert.equal([width, height], [640, 427]);
    const at = (x: number, y: number) => pixels[(y * width + x) * channels]!;
    const row = Array.from({ length: width }, (_, x) => at(x, 200));
    assert.ok(Math.max(...row.slice(300, 340)) > 150, 'the rocket has outlines');
    assert.ok(Math.max(...row.slice(220, 290)) < 40, 'the sky has none');
  },
);

photo('goes through the typed door as MessagePack', async ({ host, photograph }) => {
  const response = await host.ask('/v1/functions/photo/call/thumbnail', {
    method: 'POST',
    headers: { 'content-type': 'application/msgpack', accept: 'application/msgpack' },
    body: new Uint8Array(new Packr({ useRecords: false }).pack([photograph, 64])),
  });
  assert.is(response.status, 200);
  const answer = new Unpackr({ useRecords: false }).unpack(new Uint8Array(await response.arrayBuffer())) as {
    ok: Buffer;
  };
  assert.is(jpegSize(Buffer.from(answer.ok)).width, 64);
});

photo('that is none is refused with a sentence, through both doors', async ({ host }) => {
  const run = await host.ask('/v1/functions/photo/run?arg=edges', { method: 'POST', body: 'not a picture' });
  assert.is(run.headers.get('cloudlet-exit-code'), '1');
  const call = await host.ask('/v1/functions/photo/call/edges', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([Buffer.from('not a picture').toString('base64')]),
  });
  assert.is(call.status, 200);
  assert.match(((await call.json()) as { err: string }).err, /\w+ \w+/);
  const logs = await (await host.ask('/v1/functions/photo/logs?follow=false')).text();
  assert.match(logs, /stderr/);
});

photo('is served by one sandbox, a QEMU process without privileges', async ({ host }) => {
  const { sandboxes } = (await (await host.ask('/v1/sandboxes')).json()) as { sandboxes: SandboxInfo[] };
  const serving = sandboxes.filter((sandbox) => sandbox.function === 'photo');
  assert.is(serving.length, 1);
  assert.is(serving[0]!.kind, 'microvm');
  assert.match(readFileSync(`/proc/${serving[0]!.pid}/comm`, 'utf8'), 'qemu-system-x86');
  const status = (await (await host.ask('/v1/status')).json()) as Status;
  assert.is(status.sandbox, 'microvm');
  assert.ok(['kvm', 'tcg'].includes(status.accelerator.kind));
  assert.is(status.accelerator.isolates, status.accelerator.kind === 'kvm');
  assert.ok(status.hardening!.applied.includes('seccomp filter'));
  for (const { what, reason } of status.hardening!.missing) assert.ok(what.length > 0 && reason.length > 0);
});

photo('goes through the cloudlet command', async ({ host }) => {
  const small = join(host.folder, 'small.jpg');
  const words = ['invoke', 'photo', '--input', join(EXAMPLE, 'photo.jpg'), '--output', small, '--', 'thumbnail', '100'];
  const env = { ...process.env, CLOUDLET_URL: host.url, CLOUDLET_TOKEN: host.token };
  await promisify(execFile)(process.execPath, [MAIN, ...words], { env });
  assert.is(jpegSize(await readFile(small)).width, 100);
});

photo('outlives a host that is killed: its machine dies, its function is there again', async ({ host, photograph }) => {
  const { sandboxes } = (await (await host.ask('/v1/sandboxes')).json()) as { sandboxes: SandboxInfo[] };
  const before = (await (await host.ask('/v1/functions/photo')).json()) as FunctionInfo;
  await host.kill();
  await ended(...sandboxes.flatMap(({ pid }) => pid ?? []));

  await host.start('microvm');
  const after = (await (await host.ask('/v1/functions/photo')).json()) as FunctionInfo;
  assert.equal([after.digest, after.version], [before.digest, before.version]);
  const response = await host.ask('/v1/functions/photo/run?arg=thumbnail&arg=32', { method: 'POST', body: photograph });
  assert.is(jpegSize(Buffer.from(await response.arrayBuffer())).width, 32);
});

/** Width and height of a JPEG, from its start-of-frame marker. */
function jpegSize(bytes: Buffer): { width: number; height: number } {
  assert.is(bytes.readUInt16BE(0), 0xffd8, 'a JPEG');
  for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc3)
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
  }
  throw new Error('a JPEG without a frame');
}

photo.run();
