// @ts-check
/** Pieces of the page that scripts make. */

/**
 * An element of the page that must be there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`expected an element with the id ${id}`);
  return element;
}

/**
 * Makes an element. Text is always text, never markup.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * A failure as a person sees it: what happened, why, what to do.
 * @param {import('./ask.js').Problem} problem
 */
export function problemBox(problem) {
  return make(
    'div',
    { class: 'problem', role: 'alert' },
    make('strong', {}, problem.title),
    make('p', {}, problem.message),
    make('code', {}, problem.code),
  );
}

/**
 * As the host's `formatBytes`.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit]}`;
}

/**
 * As the host's `formatDuration`, up to seconds.
 * @param {number} ms
 */
export function formatDuration(ms) {
  if (ms < 9.995) return `${Number(ms.toFixed(2))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${Number((ms / 1000).toFixed(1))} s`;
}

/**
 * As the host's `passed`.
 * @param {number} ms
 */
export function passed(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (!(s >= 2)) return 'now';
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}
