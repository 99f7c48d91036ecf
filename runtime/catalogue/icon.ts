import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** Bytes that tell what a picture is. */
export const ICON_HEAD_BYTES = 12;

/** Refuses an icon whose first bytes are not those of its media type: what calls itself a picture could be a page. */
export function checkIcon(mediaType: string, head: Uint8Array): void {
  const text = String.fromCharCode(...head.subarray(0, ICON_HEAD_BYTES));
  const found = text.startsWith('\x89PNG\r\n\x1a\n')
    ? 'image/png'
    : text.startsWith('\xff\xd8\xff')
      ? 'image/jpeg'
      : /^RIFF[\s\S]{4}WEBP/.test(text)
        ? 'image/webp'
        : null;
  if (found === mediaType) return;
  throw new CloudletError(
    'request-invalid',
    `expected the icon to be ${mediaType}, got ${found ?? 'bytes that begin as no PNG, JPEG or WebP does'}`,
  );
}
