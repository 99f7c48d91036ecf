import { html } from 'hono/html';
import { describeGrant, describeUse, type FunctionInfo, type UseItem } from '../../guest-sdk/protocol/index.ts';
import type { Markup } from './markup.ts';

/** What a function is granted, where that is less than it asks, and what it lacks. Folded: who calls it need not know. */
export function grantDetails(fn: FunctionInfo): Markup {
  const { grant, reduced = [], ungranted = [], secretsSet = [], use } = fn;
  const granted = describeGrant(grant);
  const missing = grant.secrets.filter((key) => !secretsSet.includes(key));
  return html`<details class="door-details" data-key="grant-${fn.name}">
    <summary><span class="door-name">grant</span> <span class="summary-words">${granted.map(([what]) => what).join(', ')}${reduced.length === 0 ? '' : '; less than asked for'}${missing.length === 0 ? '' : '; a secret is missing'}</span></summary>
    <div data-live="grant-${fn.name}">
      ${missing.map((key) => html`<p class="problem">The secret <code>${key}</code> is not set: <code>npx cloudlet secret set ${fn.name} ${key}</code></p>`)}
      <dl class="grant">
        ${granted.map(([what, text]) => row(what, text))}
        ${reduced.map(({ what, asked, granted: got }) => less(what, `asked for ${asked}, granted ${got}`))}
        ${ungranted.length === 0 ? '' : row('imports without grant', ungranted.join(', '))}
        ${useRows(use?.items ?? [])}
      </dl>
    </div>
  </details>`;
}

/** What of it was used, together, and what was tried in vain. */
function useRows(items: readonly UseItem[]): Markup[] {
  const rows = Map.groupBy(describeUse(items), ([state]) => state);
  return [...rows].map(([state, all]) => row(state, all.map(([, text]) => text).join(', ')));
}

function row(what: string, text: string): Markup {
  return html`<div><dt>${what}</dt><dd>${text}</dd></div>`;
}

/** What the host's policy made less. */
function less(what: string, text: string): Markup {
  return html`<div><dt>${what}</dt><dd class="less">${text}</dd></div>`;
}
