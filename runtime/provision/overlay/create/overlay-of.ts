import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { CloudletError, type Digest } from '../../../../guest-sdk/protocol/index.ts';
import { readQcow2Map } from '../../../vm/disk/qcow2-map.ts';
import type { DiskLayer, VmImage, VmImageStore } from '../../../vm/image/index.ts';
import type { BlockRun } from '../block-set.ts';
import { encodeApart } from '../difference/encode.ts';
import type { DifferenceFigures } from '../difference/encode-job.ts';
import { writeOverlayFile } from '../overlay-file.ts';
import { OVERLAY_FORMAT, overlayManifestText, readOverlayManifest } from '../overlay-manifest.ts';
import { PAGE_BYTES } from '../page-run.ts';
import { recordTouches, type TouchOptions } from './record-touches.ts';

/** Literal pages of a segment: 1 MiB. */
export const SEGMENT_PAGES = 256;

/**
 * Level of zstd when nobody says otherwise: an overlay is made once and sent often, and what it takes to expand does not depend on it. See the
 * decisions.
 */
export const DEFAULT_LEVEL = 19;

/** What an overlay is made of. */
export interface OverlayOfOptions extends TouchOptions {
  /** A service VM whose base is in the store. */
  readonly image: VmImage;
  readonly images: Pick<VmImageStore, 'hold'>;
  /** What is in it, for people: one line. */
  readonly about: string;
  /** The file that it becomes; it must not exist. */
  readonly path: string;
  /** Level of zstd, 1 to 22; or the rate of the link that it will be sent over, for the level that suits it. */
  readonly level?: number | { readonly bitsPerS: number };
  readonly segmentPages?: number;
  readonly onProgress?: (stage: OverlayStage, done: number, total: number) => void;
}

/** What is done one after the other. */
export const OVERLAY_STAGES = ['rehearsing', 'comparing', 'searching', 'compressing', 'writing'] as const;
export type OverlayStage = (typeof OVERLAY_STAGES)[number];

/** An overlay that was made. */
export interface MadeOverlay {
  readonly digest: Digest;
  readonly bytes: number;
  readonly segments: number;
  /** Blocks that its server read until it had answered. */
  readonly touched: number;
  readonly figures: DifferenceFigures;
}

/** Writes what makes a service VM of its base as one file. Nothing is left when it fails; the same image gives the same segments. */
export async function overlayOf(options: OverlayOfOptions): Promise<MadeOverlay> {
  const { image, images, signal, path, level = DEFAULT_LEVEL, segmentPages = SEGMENT_PAGES } = options;
  if (image.service === null || image.base === null)
    throw new CloudletError(
      'request-invalid',
      `expected a service VM, ${image.digest} is a base: nothing is installed in it`,
    );
  const held = await images.hold(image.base, signal);
  if (held === null)
    throw new CloudletError('base-unknown', `the base ${image.base} of ${image.digest} is not here any more`);
  const { onProgress = () => undefined } = options;
  const segments = `${path}.${randomUUID().slice(0, 8)}.segments`;
  try {
    onProgress('rehearsing', 0, 1);
    const touched = await recordTouches(image, image.service, options);
    const { entries, figures } = await encodeApart(
      {
        base: held.image,
        result: image,
        memoryBytes: image.conditions.memoryMib * 2 ** 20,
        diskBytes: image.diskBytes,
        written: await writtenBlocks(image.disk.slice(held.image.disk.length), image.diskBytes),
        touched,
        segmentPages,
        level,
        atOnce: availableParallelism(),
        segments,
      },
      onProgress,
      signal,
    );
    onProgress('writing', 0, 1);
    const { conditions, diskBytes, service } = image;
    const manifest = {
      format: OVERLAY_FORMAT,
      base: image.base,
      about: options.about,
      conditions,
      diskBytes,
      service,
    } as const;
    const text = overlayManifestText({ ...manifest, segments: [...entries] });
    // What it would be refused for is found now.
    const { digest } = readOverlayManifest(text);
    await writeOverlayFile(path, text, segments, signal);
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    return { digest, bytes, segments: entries.length, touched: touched.length, figures };
  } finally {
    await rm(segments, { force: true });
    await held.release();
  }
}

/** Runs of blocks that layers hold, ascending. */
export async function writtenBlocks(layers: readonly DiskLayer[], diskBytes: number): Promise<BlockRun[]> {
  const runs: BlockRun[] = [];
  for (const { path } of layers) {
    const file = await open(path, 'r');
    try {
      const map = await readQcow2Map(file);
      const blocks = map.clusterBytes / PAGE_BYTES;
      for (const cluster of map.held())
        runs.push({ at: cluster * blocks, count: Math.min(blocks, diskBytes / PAGE_BYTES - cluster * blocks) });
    } finally {
      await file.close();
    }
  }
  return joined(runs.sort((a, b) => a.at - b.at));
}

/** Runs that touch or overlap, as one. */
function joined(runs: readonly BlockRun[]): BlockRun[] {
  const found: BlockRun[] = [];
  for (const { at, count } of runs) {
    const last = found.at(-1);
    if (last !== undefined && at <= last.at + last.count)
      found[found.length - 1] = { at: last.at, count: Math.max(last.count, at + count - last.at) };
    else found.push({ at, count });
  }
  return found;
}
