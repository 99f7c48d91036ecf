import { html } from 'hono/html';
import type { Assets } from './assets.ts';
import { document, type Markup, SIGN } from './markup.ts';

/** The page for whoever has no session: says how to get one, and tells nothing about what runs here. */
export function entrance(assets: Assets, name: string): Markup {
  return document(
    assets,
    `${name} · Cloudlet`,
    'entrance.js',
    html`<main class="entrance">
  <p class="brand">${SIGN} Cloudlet</p>
  <h1>${name}</h1>
  <p class="lead" id="entrance-lead" role="status">Functions run here, one hop away. This page opens with the owner’s token.</p>
  <div id="entrance-problem" aria-live="assertive"></div>
  <ol class="ways">
    <li>
      <h2>On a phone</h2>
      <p>Scan the code that the terminal shows after <code>npm start -- --bind 0.0.0.0</code>. The token is in it.</p>
    </li>
    <li>
      <h2>On this computer</h2>
      <p>Open the link that the terminal shows after <code>npm start</code> or <code>npx cloudlet serve</code>.</p>
    </li>
    <li>
      <h2>With the token itself</h2>
      <p>It is the file <code>owner-token</code> in the cloudlet’s data directory; <code>npx cloudlet doctor</code> says where that is.</p>
      <form id="entrance-form" class="inline-form" autocomplete="off">
        <label class="visually-hidden" for="entrance-token">Owner’s token</label>
        <input id="entrance-token" type="password" name="token" required maxlength="512" placeholder="Owner’s token" spellcheck="false" autocapitalize="off" />
        <button type="submit">Open</button>
      </form>
    </li>
  </ol>
  <noscript><p class="problem">This page needs JavaScript. The command <code>cloudlet</code> does all it does without.</p></noscript>
</main>`,
  );
}
