import type { Context } from 'hono';
import type { StoredFile } from '../../runtime/index.ts';
import { parseByteRange } from './byte-range.ts';
import type { HostContext } from './connection.ts';
import { streamedBody } from './streamed-body.ts';

/** A stored file as an answer: whole, a range of it, or that the caller has it already. */
export function fileAnswer(
  c: Context<HostContext>,
  file: StoredFile,
  headers: Readonly<Record<string, string>>,
): Response {
  const tag = `"${file.digest}"`;
  const always = { ...headers, etag: tag, 'accept-ranges': 'bytes' };
  if (hasAlready(c, tag)) return c.body(null, 304, always);
  const condition = c.req.header('if-range');
  const range = condition === undefined || condition === tag ? parseByteRange(c.req.header('range'), file.bytes) : null;
  const { start, end } = range ?? { start: 0, end: file.bytes };
  return c.body(
    streamedBody(c, file.read({ start, end })[Symbol.asyncIterator](), end - start),
    range === null ? 200 : 206,
    {
      ...always,
      'content-type': file.mediaType,
      'content-length': String(end - start),
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
    },
  );
}

/** `Content-Disposition` of a download under a name of any characters (RFC 6266). */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w .()+-]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Whether the caller says that it has the bytes with this entity tag (`If-None-Match`). */
export function hasAlready(c: Context<HostContext>, tag: string): boolean {
  const header = c.req.header('if-none-match') ?? '';
  return header.split(',').some((each) => ['*', tag, `W/${tag}`].includes(each.trim()));
}
