import { html } from 'hono/html';
import type { ExportInfo, FunctionInfo } from '../../guest-sdk/protocol/index.ts';
import type { Markup } from './markup.ts';

/** An export that takes a file and gives one: what the picture panel can call. */
export interface PictureTarget {
  readonly function: string;
  readonly export: string;
  /** The parameters behind the file, all whole numbers. */
  readonly numbers: readonly string[];
  /** Whether the result is a `result<…>`, with an error of the function's own. */
  readonly fallible: boolean;
}

const FILE = 'list<u8>';
const NUMBER = /^[us](8|16|32)$/;

/** The exports of all functions that take a file first and whole numbers after it, and give a file. */
export function pictureTargets(functions: readonly FunctionInfo[]): PictureTarget[] {
  return functions.flatMap((fn) =>
    fn.exports.filter(isPictureExport).map((each) => ({
      function: fn.name,
      export: each.name,
      numbers: each.params.slice(1).map((param) => param.name),
      fallible: each.result !== FILE,
    })),
  );
}

function isPictureExport({ params, result }: ExportInfo): boolean {
  const [first, ...rest] = params;
  if (first?.type !== FILE || !rest.every((param) => NUMBER.test(param.type))) return false;
  return result === FILE || result?.startsWith(`result<${FILE}`) === true;
}

/** The panel in which a person sends a photograph through a function and sees what comes back. */
export function picturePanel(targets: readonly PictureTarget[], sample: string | null): Markup {
  if (targets.length === 0) {
    return html`<section class="panel" id="picture" data-live="picture" data-key="none">
  <h2>Send a photo</h2>
  <p class="quiet">No function takes a picture yet. Publish one: <code>npx cloudlet publish examples/photo</code></p>
</section>`;
  }
  // What shows most at first sight comes first.
  const ordered = [...targets].sort((a, b) => Number(b.export === 'edges') - Number(a.export === 'edges'));
  return html`<section class="panel" id="picture" data-live="picture" data-key="${JSON.stringify(targets)}">
  <div class="panel-head">
    <h2>Send a photo</h2>
    <form id="picture-form" class="picture-controls">
      <label for="picture-target">Function</label>
      <select id="picture-target" name="target">
        ${ordered.map(
          (target) =>
            html`<option value="${target.function}/${target.export}" data-numbers="${target.numbers.join(' ')}" data-fallible="${String(target.fallible)}">${target.function} · ${target.export}</option>`,
        )}
      </select>
      <span id="picture-numbers" class="picture-numbers"></span>
    </form>
  </div>
  <div class="pictures">
    <figure>
      <div class="drop" id="picture-drop">
        <img id="picture-before" alt="The photo that you picked" hidden />
        <div class="drop-words">
          <label class="button" for="picture-file">Choose a photo</label>
          <input id="picture-file" class="visually-hidden" type="file" accept="image/jpeg,image/png" />
          <p class="quiet wide-only">or drop one here</p>
          ${sample === null ? '' : html`<button type="button" class="link" id="picture-sample" data-address="${sample}">use a sample photo</button>`}
        </div>
      </div>
      <figcaption id="picture-before-caption" class="quiet">It goes to this cloudlet and nowhere else.</figcaption>
    </figure>
    <figure>
      <div class="drop result" id="picture-result">
        <img id="picture-after" alt="What the function made of it" hidden />
        <p class="quiet" id="picture-hint">The result appears here.</p>
        <div class="spinner" id="picture-spinner" hidden></div>
      </div>
      <figcaption id="picture-after-caption" class="quiet"></figcaption>
    </figure>
  </div>
  <div id="picture-status" aria-live="polite"></div>
</section>`;
}
