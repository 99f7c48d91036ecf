/** An overlay file of one segment, for tests of what is said of one: it fits no base. */
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { digestOfHex } from '../../guest-sdk/protocol/index.ts';
import { writeOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import { overlayManifestText } from '../../runtime/provision/overlay/overlay-manifest.ts';
import { LAB_CONDITIONS } from './overlay-lab.ts';

const STATE = Buffer.from('the state of the devices');

/** Digest of its one segment. */
export const SMALL_SEGMENT = digestOfHex(createHash('sha256').update(STATE).digest('hex'));

/** Writes it; the file must not exist. */
export async function writeSmallOverlay(path: string): Promise<void> {
  const segments = `${path}.segments`;
  await writeFile(segments, STATE);
  const text = overlayManifestText({
    ...{ format: 1, base: SMALL_SEGMENT, about: 'a test', conditions: LAB_CONDITIONS, diskBytes: 8 * 2 ** 20 },
    service: {
      ...{ run: 'serve', port: 80, protocol: 'http', readyMs: 60_000, outbound: [] },
      probe: { path: '/' },
      limits: { diskMib: 1024, cpus: 0.5, leaseS: 600, connections: 128 },
    },
    segments: [{ kind: 'state', digest: SMALL_SEGMENT, bytes: STATE.length, expandedBytes: STATE.length }],
  });
  await writeOverlayFile(path, text, segments);
  await rm(segments);
}
