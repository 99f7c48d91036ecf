import type { HeldParts } from '../../../guest-sdk/client/index.ts';
import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import type { OverlayFile } from '../../../runtime/index.ts';

/** The segments of an overlay's file as what a device can send: its VM runs without those of the disk for a while. */
export function overlayParts(
  { overlay, get }: Pick<OverlayFile, 'overlay' | 'get'>,
  signal?: AbortSignal,
): HeldParts & { readonly dataFrom: number } {
  const { segments } = overlay.manifest;
  return {
    parts: segments.map(({ digest, bytes }) => ({ digest, bytes })),
    read: (digest: Digest) => get(digest, signal),
    ...{ isPacked: true, inBatches: true },
    dataFrom: segments.filter(({ kind }) => kind !== 'disk').length,
  };
}
