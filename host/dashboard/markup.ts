import { html } from 'hono/html';
import type { Assets } from './assets.ts';

/** A piece of a page; text in it is escaped already. */
export type Markup = ReturnType<typeof html>;

/** What may be loaded by a page of ours: its own files and pictures that it made itself. Nothing inline, nothing from elsewhere. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Files that a document has beside what all have. */
export interface DocumentFiles {
  readonly script: string;
  readonly styles: readonly string[];
}

/** A whole document around its body. */
export function document(assets: Assets, title: string, files: string | DocumentFiles, body: Markup): Markup {
  const { script, styles } = typeof files === 'string' ? { script: files, styles: [] } : files;
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="theme-color" content="#f7f6f2" media="(prefers-color-scheme: light)" />
    <meta name="theme-color" content="#14161a" media="(prefers-color-scheme: dark)" />
    <title>${title}</title>
    <link rel="icon" type="image/svg+xml" href="${assets.address('icon.svg')}" />
    ${['page.css', ...styles].map((each) => html`<link rel="stylesheet" href="${assets.address(each)}" />`)}
    <script type="module" src="${assets.address(script)}"></script>
  </head>
  <body>
    ${body}
  </body>
</html>`;
}

/** The sign of the project: a cloud over a line, which is the one hop. */
export const SIGN: Markup = html`<svg class="sign" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
  <path d="M9.5 20.5h13a5 5 0 0 0 .7-9.95A7.5 7.5 0 0 0 8.8 11.6a4.5 4.5 0 0 0 .7 8.9Z" />
  <path d="M11 25.5h10" />
</svg>`;

/** A moment, shown as the time that has passed; the page keeps it going. */
export function ago(at: string, now: number): Markup {
  return html`<time datetime="${at}">${passed(now - Date.parse(at))}</time>`;
}

/** `now`, `12 s ago`, `3 min ago`: coarse, because it only has to say whether something is recent. The page's script says it the same way. */
export function passed(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (!(s >= 2)) return 'now';
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}
