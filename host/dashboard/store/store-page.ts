import { html } from 'hono/html';
import type { EntryList, EntrySummary } from '../../../guest-sdk/protocol/index.ts';
import type { EntryWish } from '../../../runtime/index.ts';
import type { Assets } from '../assets.ts';
import { document, type Markup, SIGN } from '../markup.ts';
import { count, formatBytes } from '../quantity.ts';
import { addPanel } from './add-panel.ts';
import { systemName } from './device.ts';

/** What a list shows. */
export interface StoreFacts {
  /** Name of the cloudlet. */
  readonly name: string;
  readonly found: EntryList;
  readonly wish: EntryWish;
}

const KINDS = { application: 'Applications', service: 'Services', function: 'Functions' } as const;
const SYSTEMS = ['android', 'ios', 'linux', 'macos', 'windows'] as const;

/** The list of entries, with a search that is a plain form: all of it works without a script. */
export function storePage(assets: Assets, { name, found, wish }: StoreFacts): Markup {
  const asked = Boolean(wish.q || wish.kind || wish.os || (wish.tags ?? []).length > 0);
  return document(
    assets,
    `Store · ${name}`,
    { script: 'store.js', styles: ['store.css'] },
    html`${storeHeader()}
<main class="store">
  <h1>Store</h1>
  <p class="lead">What ${name} offers to devices near it.</p>
  ${searchForm(wish)}
  <p class="quiet found" role="status">${count(found.total, 'entry', 'entries')}${asked ? html` found. <a href="/store">Show all</a>` : ''}</p>
  ${
    found.entries.length === 0
      ? html`<p class="note">${asked ? 'Nothing fits. Try fewer words, or another system.' : html`Nothing is offered yet. Add a file below, or: <code>npx cloudlet store add FILE</code>`}</p>`
      : html`<ul class="entries">${found.entries.map(entryItem)}</ul>`
  }
  ${pages(found, wish)}
  ${addPanel()}
</main>`,
  );
}

/** The bar above the pages of the store. */
export function storeHeader(): Markup {
  return html`<header class="top">
  <a class="brand" href="/">${SIGN} Cloudlet</a>
  <nav aria-label="Pages"><a href="/store">Store</a></nav>
</header>`;
}

/** The picture of an entry, or the first letter of its title in place of one. */
export function entryIcon({ name, icon, title }: Pick<EntrySummary, 'name' | 'icon' | 'title'>, size: number): Markup {
  if (icon === null)
    return html`<span class="icon icon-none" aria-hidden="true">${[...title][0]?.toUpperCase() ?? ''}</span>`;
  return html`<img class="icon" src="/v1/store/${name}/files/${icon}" alt="" width="${size}" height="${size}" loading="lazy" decoding="async" />`;
}

function entryItem(entry: EntrySummary): Markup {
  const { name, title, description, kind, version, bytes, platforms, publisher } = entry;
  const systems = platforms.map(({ os, osVersion }) => `${systemName(os)}${osVersion === null ? '' : ` ${osVersion}`}`);
  return html`<li class="entry">
  ${entryIcon(entry, 56)}
  <div class="entry-words">
    <h2><a href="/store/${name}">${title}</a></h2>
    ${description === '' ? '' : html`<p class="entry-about">${description}</p>`}
    <p class="facts"><span>${kind}</span> <span>version ${version}</span> ${bytes === 0 ? '' : html`<span>${formatBytes(bytes)}</span>`}${
      systems.length === 0 ? '' : html`<span>${systems.join(', ')}</span>`
    }<span>${publisher === null ? 'not signed' : publisher.trusted ? 'signed' : 'signed by a key that is not accepted'}</span></p>
  </div>
</li>`;
}

function searchForm({ q = '', kind, os, tags = [] }: EntryWish): Markup {
  const option = (value: string, words: string, chosen: boolean): Markup =>
    html`<option value="${value}" ${chosen ? html`selected` : ''}>${words}</option>`;
  return html`<form class="search" action="/store" role="search">
  <label class="visually-hidden" for="store-q">Search the store</label>
  <input id="store-q" type="search" name="q" value="${q}" maxlength="200" placeholder="Search" autocapitalize="off" />
  <label class="visually-hidden" for="store-kind">Kind</label>
  <select id="store-kind" name="kind">${option('', 'Everything', kind === undefined)}${Object.entries(KINDS).map(([value, words]) => option(value, words, kind === value))}</select>
  <label class="visually-hidden" for="store-os">System</label>
  <select id="store-os" name="os">${option('', 'Any system', os === undefined)}${[...new Set([...SYSTEMS, ...(os === undefined ? [] : [os])])].map((value) => option(value, systemName(value), os === value))}</select>
  ${tags.map((tag) => html`<input type="hidden" name="tag" value="${tag}" />`)}
  <button type="submit">Search</button>
  ${tags.length === 0 ? '' : html`<p class="quiet fine">Only with ${count(tags.length, 'tag')}: ${tags.join(', ')}</p>`}
</form>`;
}

function pages({ page, pages: all }: EntryList, wish: EntryWish): Markup | '' {
  if (all <= 1) return '';
  const link = (to: number, words: string, rel: string): Markup | '' =>
    to < 1 || to > all ? '' : html`<a class="button" rel="${rel}" href="${addressOf(wish, to)}">${words}</a>`;
  return html`<nav class="pages" aria-label="Pages of the list">
  ${link(page - 1, 'Previous', 'prev')}<span class="quiet">Page ${page} of ${all}</span>${link(page + 1, 'Next', 'next')}
</nav>`;
}

function addressOf({ q, kind, os, tags = [] }: EntryWish, page: number): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries({ q, kind, os })) if (value) search.set(key, value);
  for (const tag of tags) search.append('tag', tag);
  search.set('page', String(page));
  return `/store?${search}`;
}
