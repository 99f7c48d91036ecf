// @ts-check
/** Where the time of a call went. */
import { formatDuration, make } from './view.js';

/**
 * The durations of a `Server-Timing` header, milliseconds, by name, and how the sandbox came to be.
 * @param {Response} response
 */
function readTiming(response) {
  /** @type {Record<string, number>} */
  const durations = {};
  let start = '';
  for (const part of (response.headers.get('server-timing') ?? '').split(',')) {
    const name = part.trim().split(';')[0] ?? '';
    const duration = /;dur=([\d.]+)/.exec(part)?.[1];
    if (duration !== undefined) durations[name] = Number(duration);
    if (name === 'start') start = /;desc="([^"]*)"/.exec(part)?.[1] ?? '';
  }
  return { durations, start };
}

/** What each part is called for people, in the order in which it happens. */
const PARTS = /** @type {const} */ ([
  ['queue', 'waiting'],
  ['start', 'starting a sandbox'],
  ['run', 'running'],
  ['way', 'on the way'],
]);

/** How the sandbox came to be. */
const HOW = /** @type {Readonly<Record<string, string>>} */ ({
  idle: 'in a sandbox that was ready',
  restored: 'in a sandbox that was paused',
  'function-clone': "in a clone of the function's snapshot",
  'golden-clone': 'in a clone that loaded the function',
  boot: 'in a sandbox that was booted for it',
});

/**
 * A bar and a legend of where the time of a call went.
 * @param {Response} response
 * @param {number} totalMs as the page saw it, from the click to the last byte
 */
export function timingView(response, totalMs) {
  const { durations, start } = readTiming(response);
  const known = Object.values(durations).reduce((sum, ms) => sum + ms, 0);
  // Without `run`, which comes in a trailer that browsers do not show, the rest is both.
  durations['way'] = Math.max(0, totalMs - known);
  const bar = make('div', { class: 'timing-bar', 'aria-hidden': 'true' });
  const legend = make('dl', { class: 'timing-legend' });
  for (const [name, words] of PARTS) {
    const ms = durations[name];
    if (ms === undefined || ms === 0) continue;
    const piece = make('span', { class: `part-${name}` });
    piece.style.flexGrow = String(Math.max(ms, totalMs / 200));
    bar.append(piece);
    const label = name === 'way' && durations['run'] === undefined ? 'running and on the way' : words;
    legend.append(make('div', {}, make('dt', { class: `part-${name}` }, label), make('dd', {}, formatDuration(ms))));
  }
  const how = HOW[start] ?? (start === '' ? '' : `sandbox: ${start}`);
  return make(
    'div',
    { class: 'timing' },
    make('p', { class: 'timing-total' }, make('strong', {}, formatDuration(totalMs)), how === '' ? '' : ` ${how}`),
    bar,
    legend,
  );
}
