// @ts-check
/**
 * Keeps the page current: the cloudlet says what changed, and the changed parts are taken from a fresh copy of the page. So there is
 * one place that knows how things look, and it is the host.
 */
import { byId, passed } from './view.js';

/** Changes come in bursts; one copy serves a burst. */
const SETTLE_MS = 150;
/** While calls come in without a pause the page is not asked for more often. */
const EVERY_MS = 1000;

/** Starts to listen. */
export function startLive() {
  const connection = byId('connection', HTMLElement);
  const say = (/** @type {string} */ state, /** @type {string} */ words) => {
    connection.dataset['state'] = state;
    connection.textContent = words;
  };
  const renew = throttled(renewPage);
  const events = new EventSource('/v1/events');
  events.addEventListener('open', () => {
    say('live', 'live');
    renew();
  });
  events.addEventListener('error', () => {
    // The browser tries again by itself unless the answer was a refusal; then the session may be over, which the copy will tell.
    say('lost', events.readyState === EventSource.CLOSED ? 'not live' : 'reconnecting');
    if (events.readyState === EventSource.CLOSED) renew();
  });
  for (const kind of ['functions', 'sandboxes', 'services', 'invocation', 'deployments']) {
    events.addEventListener(kind, renew);
  }
  setInterval(renewTimes, 5000);
}

/** Takes a fresh copy of the page and replaces the parts that look different now. */
async function renewPage() {
  const response = await fetch('/', { credentials: 'same-origin' }).catch(() => null);
  if (response === null || !response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  if (fresh.getElementById('connection') === null) return location.reload();
  renewCards(fresh);
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const name = /** @type {HTMLElement} */ (part).dataset['live'] ?? '';
    const old = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (old === null || isSame(old, part)) continue;
    const adopted = document.adoptNode(part);
    old.replaceWith(adopted);
    document.dispatchEvent(new CustomEvent('renewed', { detail: name }));
  }
}

/**
 * Whether two parts need no exchange. A part with a key holds what a person is doing, and is exchanged only when its key changed.
 * @param {Element} old
 * @param {Element} fresh
 */
function isSame(old, fresh) {
  const key = fresh.getAttribute('data-key');
  if (key !== null) return key === old.getAttribute('data-key');
  return old.innerHTML === fresh.innerHTML && old.className === fresh.className;
}

/**
 * Functions that came, went or changed their component. A card that stays keeps its forms and what is typed in them.
 * @param {Document} fresh
 */
function renewCards(fresh) {
  const cards = byId('function-cards', HTMLElement);
  const key = (/** @type {Element} */ card) =>
    `${card.getAttribute('data-function')} ${card.getAttribute('data-digest')}`;
  const present = new Map([...cards.children].map((card) => [key(card), card]));
  const wanted = [...(fresh.getElementById('function-cards')?.children ?? [])];
  const keep = new Set(wanted.map(key));
  for (const [name, card] of present) if (!keep.has(name)) card.remove();
  wanted.forEach((card, at) => {
    const here = present.get(key(card)) ?? document.adoptNode(card);
    if (cards.children[at] !== here) cards.insertBefore(here, cards.children[at] ?? null);
  });
  byId('functions-empty', HTMLElement).hidden = wanted.length > 0;
}

function renewTimes() {
  for (const time of document.querySelectorAll('time[datetime]')) {
    time.textContent = passed(Date.now() - Date.parse(time.getAttribute('datetime') ?? ''));
  }
}

/**
 * Calls an action soon, once for many requests, never twice at a time and not more often than `EVERY_MS`.
 * @param {() => Promise<void>} action
 */
function throttled(action) {
  let waiting = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (waiting) return;
    waiting = true;
    const wait = Math.max(SETTLE_MS, endedAt + EVERY_MS - performance.now());
    setTimeout(async () => {
      waiting = false;
      endedAt = performance.now();
      await action();
    }, wait);
  };
}
