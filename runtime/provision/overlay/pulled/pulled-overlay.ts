import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import type { Rung } from '../../deployment/rung.ts';
import { serviceWish, type Wish } from '../../deployment/wish.ts';
import { madeOf, type OverlayRungParts, startMade, synthesizeService } from '../overlaid-service.ts';
import { readOverlayManifest } from '../overlay-manifest.ts';
import { openRemoteOverlay } from './remote-overlay.ts';

/** `pulled`: this cloudlet fetches the overlay from where the wish says, and applies it while it comes. */
export function pulledOverlay(parts: OverlayRungParts): Rung<Wish> {
  return {
    name: 'pulled',
    offer: async (wish) => {
      const want = serviceWish(wish);
      if (want?.from === undefined) return null;
      const { service: name, overlay: asked, from } = want;
      const expected = asked === undefined ? null : readOverlayManifest(JSON.stringify(asked)).digest;
      return {
        missing: [],
        provision: async (context) => {
          context.report({ stage: 'connecting' });
          const remote = await openRemoteOverlay(from, parts.policy, context.signal);
          try {
            const { overlay } = remote;
            if (expected !== null && overlay.digest !== expected) {
              const sentence = `${from}: expected the overlay ${expected}, got ${overlay.digest}`;
              throw new CloudletError('overlay-refused', sentence);
            }
            const admitted = await parts.publishers.admitDocument(name, overlay.signed, wish);
            const image = await madeOf(overlay, parts.images, context.signal);
            if (image !== null) return await startMade(parts.services, { name, overlay, admitted }, image, context);
            return await synthesizeService(parts, { name, overlay, admitted }, { ...context, parts: remote });
          } finally {
            remote.close();
          }
        },
      };
    },
  };
}
