import { html, raw } from 'hono/html';
import { renderSVG } from 'uqr';
import type { CloudletError, EntryFile, EntryInfo, Installed } from '../../../guest-sdk/protocol/index.ts';
import { ERRORS, runsOn } from '../../../guest-sdk/protocol/index.ts';
import type { Assets } from '../assets.ts';
import { document, type Markup } from '../markup.ts';
import { formatBytes } from '../quantity.ts';
import { type Device, systemName } from './device.ts';
import { entryIcon, storeHeader } from './store-page.ts';

/** What the page of an entry shows. */
export interface EntryFacts {
  readonly cloudlet: string;
  readonly info: EntryInfo;
  /** What the browser runs, as far as it says. */
  readonly device: Device;
  /** Where another device finds this page; null when none can reach the cloudlet. */
  readonly address: string | null;
  /** What came of the button. */
  readonly outcome: { readonly installed: Installed } | { readonly problem: CloudletError } | null;
}

/** The page of an entry, made for a phone: what it is, whose it is, one button, and a code to hand it to another device. */
export function entryPage(assets: Assets, { cloudlet, info, device, address, outcome }: EntryFacts): Markup {
  const { manifest, publisher } = info;
  const { name, kind, title, version, description = '', tags = [], files = [], icon } = manifest;
  return document(
    assets,
    `${title} · ${cloudlet}`,
    { script: 'store.js', styles: ['store.css'] },
    html`${storeHeader()}
<main class="store entry-page">
  <div class="entry-head">
    ${entryIcon({ name, icon: icon?.digest ?? null, title }, 96)}
    <div>
      <h1>${title}</h1>
      <p class="facts"><span>${kind}</span> <span>version ${version}</span>${files.length === 0 ? '' : html`<span>${formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0))}</span>`}</p>
    </div>
  </div>
  ${publisher?.trusted === false ? html`<p class="problem">Its publisher’s key is not accepted by the policy of this cloudlet, so it is not installed from here.</p>` : ''}
  ${outcome === null ? '' : outcomePanel(info, outcome)}
  ${publisher?.trusted === false ? '' : installForm(info, device, outcome !== null && 'installed' in outcome)}
  ${description === '' ? '' : html`<div class="about">${description.split(/\n{2,}/).map((text) => html`<p>${text}</p>`)}</div>`}
  ${tags.length === 0 ? '' : html`<ul class="tags" aria-label="Tags">${tags.map((tag) => html`<li><a class="tag" href="/store?tag=${tag}">${tag}</a></li>`)}</ul>`}
  ${fileList(info, device)}
  ${facts(info)}
  ${handOver(address)}
</main>`,
  );
}

function installForm({ manifest, web }: EntryInfo, device: Device, again: boolean): Markup {
  const server = manifest.kind === 'application' ? manifest.server : manifest.name;
  const fits = (manifest.files ?? []).some((file) => runsOn(file, device));
  const words =
    manifest.kind !== 'application'
      ? 'Start it on the cloudlet'
      : web !== null
        ? 'Install and open'
        : device.os !== undefined && fits
          ? `Install for ${systemName(device.os)}`
          : 'Install';
  return html`<form class="install" method="post" action="/store/${manifest.name}/install">
  <button type="submit" class="wide${again ? ' again' : ''}">${again ? 'Install again' : words}</button>
  ${server === undefined ? '' : html`<p class="quiet fine">Gets ${manifest.kind === 'application' ? html`its server, <a href="/store/${server}">${server}</a>,` : 'it'} ready on this cloudlet first. The first time may take a while.</p>`}
</form>`;
}

function outcomePanel({ manifest }: EntryInfo, outcome: NonNullable<EntryFacts['outcome']>): Markup {
  if ('problem' in outcome) {
    const { code, message } = outcome.problem;
    return html`<div class="problem" role="alert"><strong>${ERRORS[code].title}</strong><p>${message}</p><code>${code}</code></div>`;
  }
  const { web, server, files } = outcome.installed;
  return html`<section class="note outcome" role="status" aria-labelledby="outcome-title">
  <h2 id="outcome-title">${manifest.title} is ready</h2>
  ${server === null ? '' : html`<p>Its ${server.kind} ${server.name} is at <a href="${server.address}">${server.address}</a>.</p>`}
  ${web === null ? '' : html`<p><a class="button wide" href="${web}">Open</a></p>`}
  ${files.map((file) => html`<p><a class="button wide" href="${file.address}" download="${file.name}">Save ${file.name} <span class="fine">${formatBytes(file.bytes)}</span></a></p>`)}
</section>`;
}

function fileList({ manifest }: EntryInfo, device: Device): Markup | '' {
  if (manifest.kind !== 'application') return '';
  const files = (manifest.files ?? []).filter(({ name }) => name !== manifest.web);
  if (files.length === 0) return '';
  const sorted = files.toSorted((a, b) => Number(runsOn(b, device)) - Number(runsOn(a, device)));
  return html`<section aria-labelledby="files-title"><h2 id="files-title">Files</h2><ul class="rows files">${sorted.map((file) => fileRow(manifest.name, file))}</ul></section>`;
}

function fileRow(entry: string, { name, digest, bytes, os, osVersion }: EntryFile): Markup {
  const system =
    os === undefined ? 'any system' : `${systemName(os)}${osVersion === undefined ? '' : ` ${osVersion} or later`}`;
  return html`<li><a class="row-main" href="/v1/store/${entry}/files/${digest}" download="${name}">${name}</a> <span class="number">${formatBytes(bytes)}</span> <span class="row-end quiet">${system}</span></li>`;
}

function facts({ manifest, publisher, digest, addedAt, revision }: EntryInfo): Markup {
  const row = (term: string, value: Markup | string): Markup => html`<div><dt>${term}</dt><dd>${value}</dd></div>`;
  return html`<section aria-labelledby="facts-title">
  <h2 id="facts-title">Whose it is</h2>
  <dl class="grant entry-facts">
    ${row('Signed by', publisher === null ? 'nobody: whoever may fill this store put it here' : html`<code class="fingerprint">${inFours(publisher.fingerprint)}</code>`)}
    ${row('Digest', html`<code>${digest}</code>`)}
    ${row('Here since', html`<time datetime="${addedAt}">${addedAt.slice(0, 10)}</time>, revision ${revision}`)}
    ${manifest.homepage === undefined ? '' : row('Homepage', html`<a href="${manifest.homepage}" rel="noopener noreferrer nofollow" target="_blank">${manifest.homepage}</a>`)}
  </dl>
</section>`;
}

/** Groups of four, which people can compare. */
function inFours(fingerprint: string): string {
  return fingerprint.replace(/(.{4})(?=.)/g, '$1 ');
}

function handOver(address: string | null): Markup {
  return html`<section class="hand-over" aria-labelledby="hand-over-title">
  <h2 id="hand-over-title">On another device</h2>
  ${
    address === null
      ? html`<p class="quiet">This cloudlet serves this computer only. <code>npm start -- --bind 0.0.0.0</code> serves the network.</p>`
      : html`<div class="code" role="img" aria-label="QR code of ${address}">${raw(renderSVG(address, { border: 2 }))}</div><p><a href="${address}">${address}</a></p>`
  }
</section>`;
}
