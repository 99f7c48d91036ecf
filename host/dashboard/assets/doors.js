// @ts-check
/** The forms of the functions: typed calls and commands. Cards come and go, so the page listens, not the cards. */
import { ask, asProblem } from './ask.js';
import { timingView } from './timing.js';
import { formatBytes, make, problemBox } from './view.js';

/** Output up to this size is shown, more is offered as a file; characters. */
const SHOWN_OUTPUT = 20_000;

/** Starts the forms. */
export function startDoors() {
  document.addEventListener('change', (event) => {
    const select = event.target;
    if (!(select instanceof HTMLSelectElement) || select.name !== 'export') return;
    const form = select.form;
    const option = select.selectedOptions[0];
    const field = form?.elements.namedItem('arguments');
    if (field instanceof HTMLTextAreaElement) field.value = option?.dataset['example'] ?? '[]';
    const signature = form?.querySelector('.signature code');
    if (signature) signature.textContent = option?.dataset['signature'] ?? '';
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const { call, run } = form.dataset;
    if (call === undefined && run === undefined) return;
    event.preventDefault();
    void answered(form, () => (call === undefined ? runCommand(form, run ?? '') : callExport(form, call)));
  });
  // Enter sends a one-line field by itself; in a larger one it takes Ctrl or Cmd.
  document.addEventListener('keydown', (event) => {
    const field = event.target;
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    if (field instanceof HTMLTextAreaElement) field.form?.requestSubmit();
  });
}

/**
 * Shows what an action gives in the result of its form, or why it gave nothing.
 * @param {HTMLFormElement} form
 * @param {() => Promise<Node[]>} action
 */
async function answered(form, action) {
  const result = form.parentElement?.querySelector('.door-result');
  const button = form.querySelector('button[type="submit"]');
  if (!(button instanceof HTMLButtonElement) || !result) return;
  button.disabled = true;
  result.replaceChildren(make('p', { class: 'quiet' }, 'Running…'));
  try {
    result.replaceChildren(...(await action()));
  } catch (error) {
    result.replaceChildren(problemBox(asProblem(error)));
  } finally {
    button.disabled = false;
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
async function callExport(form, name) {
  const data = new FormData(form);
  const startedAt = performance.now();
  const response = await ask(`/v1/functions/${name}/call/${encodeURIComponent(String(data.get('export')))}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: String(data.get('arguments')).trim() || '[]',
  });
  const text = await response.text();
  return [outputView(new Blob([text]), text), timingView(response, performance.now() - startedAt)];
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
async function runCommand(form, name) {
  const data = new FormData(form);
  const words = String(data.get('arguments'))
    .split('\n')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const query = words.map((word) => `arg=${encodeURIComponent(word)}`).join('&');
  const file = data.get('file');
  const startedAt = performance.now();
  const response = await ask(`/v1/functions/${name}/run${query === '' ? '' : `?${query}`}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: file instanceof File && file.size > 0 ? file : String(data.get('text')),
  });
  const output = await response.blob();
  const totalMs = performance.now() - startedAt;
  const text = await textOf(output);
  const status = response.headers.get('cloudlet-exit-code');
  const failed = status !== null && status !== '0';
  return [
    ...(failed
      ? [make('p', { class: 'problem' }, `Ended with exit status ${status}. Its log: npx cloudlet logs ${name}`)]
      : []),
    outputView(output, text),
    timingView(response, totalMs),
  ];
}

/**
 * The text of an output, or null when it is none.
 * @param {Blob} output
 */
async function textOf(output) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await output.arrayBuffer());
  } catch {
    // Bytes that are no UTF-8 are a file.
    return null;
  }
}

/**
 * @param {Blob} output
 * @param {string | null} text
 */
function outputView(output, text) {
  if (output.size === 0) return make('p', { class: 'quiet' }, 'No output.');
  if (text !== null && text.length <= SHOWN_OUTPUT) return make('pre', { class: 'output', tabindex: '0' }, text);
  const address = URL.createObjectURL(output);
  const link = make('a', { href: address, download: 'output' }, `save the output (${formatBytes(output.size)})`);
  return make('p', {}, link);
}
