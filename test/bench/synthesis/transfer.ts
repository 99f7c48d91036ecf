import { MAX_LINK_BYTES } from '../../../guest-sdk/protocol/index.ts';
import type { Link } from './links.ts';
import { BENCH_CACHE } from './prepared.ts';
import { ProvisionHost } from './provision-host.ts';

/** Seconds that bytes take over a link to a host, which takes them and does nothing. */
export async function measuredTransferS(host: ProvisionHost, body: Uint8Array, { shape }: Link): Promise<number> {
  const device = await host.device(shape);
  try {
    const headers = { 'content-type': 'application/octet-stream' };
    const began = performance.now();
    for (let at = 0; at < body.length; at += MAX_LINK_BYTES) {
      const piece = body.slice(at, at + MAX_LINK_BYTES);
      const status = await device.ask('/v1/link', { method: 'POST', headers, body: piece });
      if (status !== 200) throw new Error(`expected the bytes to be taken, got status ${status}`);
    }
    return (performance.now() - began) / 1000;
  } finally {
    await device.close();
  }
}

/** The same to a host of its own. */
export async function transferToOwnHostS(body: Uint8Array, link: Link): Promise<number> {
  const host = await ProvisionHost.start(BENCH_CACHE);
  try {
    return await measuredTransferS(host, body, link);
  } finally {
    await host.stop();
  }
}
