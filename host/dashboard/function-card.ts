import { html } from 'hono/html';
import type { ExportInfo, FunctionInfo } from '../../guest-sdk/protocol/index.ts';
import { exampleValue } from './example-value.ts';
import { grantDetails } from './grant-details.ts';
import { ago, type Markup } from './markup.ts';
import { count, formatBytes } from './quantity.ts';
import { signedBy } from './signed-by.ts';

/** One published function: what it is, how it is called, and a form for each way. */
export function functionCard(fn: FunctionInfo, now: number): Markup {
  return html`<article class="card" data-function="${fn.name}" data-digest="${fn.digest}" aria-labelledby="function-${fn.name}">
  ${functionHead(fn, now)}
  ${fn.doors.includes('http') ? httpDoor(fn) : ''}
  ${fn.exports.length > 0 ? callDoor(fn) : ''}
  ${fn.doors.includes('run') ? runDoor(fn) : ''}
  ${grantDetails(fn)}
</article>`;
}

function functionHead(fn: FunctionInfo, now: number): Markup {
  const current = fn.versions.find(({ version }) => version === fn.version);
  return html`<header class="card-head" data-live="head-${fn.name}">
    <div class="card-title">
      <h3 id="function-${fn.name}">${fn.name}</h3>
      <span class="state state-${fn.state}">${fn.state}</span>
    </div>
    <p class="facts">
      <span>version ${fn.version}${fn.versions.length > 1 ? `, ${fn.versions.length} kept` : ''}</span>
      <span>${formatBytes(fn.sizeBytes)}</span>
      ${current === undefined ? '' : html`<span>published ${ago(current.publishedAt, now)}</span>`}
      ${shares(fn)}
      ${keeps(fn)}
      ${signedBy(fn.publisher?.fingerprint, fn.publisher?.trusted)}
      <span title="${fn.digest}"><code>${fn.digest.slice('sha256:'.length, 'sha256:'.length + 12)}</code></span>
    </p>
    ${fn.reason === undefined ? '' : html`<p class="problem">${fn.reason}</p>`}
  </header>`;
}

/** Which versions calls go to, where they are shared out. */
function shares({ split }: FunctionInfo): Markup | '' {
  if (split === undefined) return '';
  return html`<span>calls ${split.versions.map(({ version, percent }) => `v${version} ${percent} %`).join(', ')}</span>`;
}

/** What its stores have, when they have anything. */
function keeps({ stores }: FunctionInfo): Markup | '' {
  const bytes = stores.keyValueBytes + stores.blobBytes;
  return bytes === 0 ? '' : html`<span>keeps ${formatBytes(bytes)}</span>`;
}

function httpDoor(fn: FunctionInfo): Markup {
  const path = `/f/${fn.name}/`;
  return html`<p class="door"><span class="door-name">http</span> <a href="${path}" target="_blank" rel="noopener">${path}</a></p>`;
}

function callDoor(fn: FunctionInfo): Markup {
  const [first] = fn.exports;
  return html`<details class="door-details" data-key="call-${fn.name}">
    <summary><span class="door-name">call</span> <span class="summary-words">${exportSummary(fn.exports)}</span></summary>
    <form class="door-form" data-call="${fn.name}">
      <label for="export-${fn.name}">Export</label>
      <select id="export-${fn.name}" name="export">
        ${grouped(fn.exports).map(([name, members]) => {
          const options = members.map(
            (each) =>
              html`<option value="${each.name}" data-signature="${each.signature}" data-example="${exampleArguments(each)}">${each.name}</option>`,
          );
          return name === null ? options : html`<optgroup label="${name}">${options}</optgroup>`;
        })}
      </select>
      <p class="signature" id="signature-${fn.name}"><code>${first!.signature}</code></p>
      <label for="arguments-${fn.name}">Arguments <span class="quiet">a JSON array</span></label>
      <textarea id="arguments-${fn.name}" name="arguments" rows="2" spellcheck="false" autocapitalize="off" aria-describedby="signature-${fn.name}">${exampleArguments(first!)}</textarea>
      <button type="submit">Call</button>
    </form>
    <div class="door-result" aria-live="polite"></div>
  </details>`;
}

function runDoor(fn: FunctionInfo): Markup {
  return html`<details class="door-details" data-key="run-${fn.name}">
    <summary><span class="door-name">run</span> <span class="summary-words">a command: standard input in, standard output out</span></summary>
    <form class="door-form" data-run="${fn.name}">
      <label for="words-${fn.name}">Arguments <span class="quiet">one a line</span></label>
      <textarea id="words-${fn.name}" name="arguments" rows="1" spellcheck="false" autocapitalize="off"></textarea>
      <label for="text-${fn.name}">Input <span class="quiet">text, or a file</span></label>
      <textarea id="text-${fn.name}" name="text" rows="2" spellcheck="false"></textarea>
      <input type="file" name="file" aria-label="Input file of ${fn.name}" />
      <button type="submit">Run</button>
    </form>
    <div class="door-result" aria-live="polite"></div>
  </details>`;
}

/** The names of some exports, or their number. */
function exportSummary(exports: readonly ExportInfo[]): string {
  const shown = exports.slice(0, 3).map(({ name }) => name);
  const more = exports.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function exampleArguments({ params }: ExportInfo): string {
  return JSON.stringify(params.map(({ type }) => exampleValue(type)));
}

function grouped(exports: readonly ExportInfo[]): [string | null, ExportInfo[]][] {
  const groups = new Map<string | null, ExportInfo[]>();
  for (const each of exports) groups.set(each.interface, [...(groups.get(each.interface) ?? []), each]);
  return [...groups];
}

/** The section of all functions. */
export function functionSection(functions: readonly FunctionInfo[], now: number): Markup {
  return html`<section class="panel" id="functions" aria-labelledby="functions-title">
  <div class="panel-head">
    <h2 id="functions-title">Functions</h2>
    <span class="quiet" data-live="functions-count">${count(functions.length, 'function')}</span>
  </div>
  <div class="cards" id="function-cards">${functions.map((fn) => functionCard(fn, now))}</div>
  <p class="quiet" id="functions-empty" ${functions.length === 0 ? '' : html`hidden`}>Nothing is published yet. Drop a component below, or: <code>npx cloudlet publish DIR</code></p>
</section>`;
}
