import { html } from 'hono/html';
import type { Markup } from '../markup.ts';

/** The form by which the owner offers a file; its script sends the file and then the entry, unsigned. */
export function addPanel(): Markup {
  return html`<details class="panel add">
  <summary><h2>Offer something</h2></summary>
  <form id="add-form" class="add-form">
    <label for="add-file">File</label>
    <input id="add-file" type="file" required />
    <label for="add-title">Title</label>
    <input id="add-title" required maxlength="80" />
    <label for="add-name">Name in addresses</label>
    <input id="add-name" required maxlength="63" pattern="[a-z][a-z0-9\\-]{0,62}" spellcheck="false" autocapitalize="off" autocomplete="off" title="lower-case letters, digits and hyphens, starting with a letter" />
    <label for="add-version">Version</label>
    <input id="add-version" required maxlength="64" value="1" />
    <label for="add-os">System</label>
    <select id="add-os"><option value="">Any</option><option value="android">Android</option><option value="ios">iOS</option><option value="linux">Linux</option><option value="macos">macOS</option><option value="windows">Windows</option></select>
    <label for="add-description">Description</label>
    <textarea id="add-description" rows="3" maxlength="4000"></textarea>
    <label class="check"><input id="add-web" type="checkbox" /> It is a tar or zip of pages, with an index.html, that the cloudlet serves</label>
    <button type="submit">Offer it</button>
    <progress id="add-progress" max="1" value="0" hidden aria-label="Upload"></progress>
    <div id="add-status" aria-live="polite"></div>
  </form>
  <noscript><p class="problem">This form needs JavaScript. <code>npx cloudlet store add FILE</code> does the same, and signs.</p></noscript>
</details>`;
}
