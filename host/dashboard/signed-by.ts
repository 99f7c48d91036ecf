import { html } from 'hono/html';
import type { Markup } from './markup.ts';

/** Who signed something, when somebody did; a key that the policy, as it is now, would not take is said to be none. */
export function signedBy(fingerprint: string | null | undefined, trusted = true): Markup | '' {
  if (fingerprint === null || fingerprint === undefined) return '';
  return html`<span class="publisher" title="${fingerprint}">signed by <code>${fingerprint.slice(0, 12)}</code>${trusted ? '' : ', not trusted now'}</span>`;
}
