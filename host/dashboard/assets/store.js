// @ts-check
/** The form that offers a file: sends it with its progress, then the entry. Everything else of the store is plain forms and links. */
import { ask, asProblem } from './ask.js';
import { upload } from './upload.js';
import { byId, make, problemBox } from './view.js';

if (document.getElementById('add-form') !== null) start();

function start() {
  const file = byId('add-file', HTMLInputElement);
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) return;
    const plain = chosen.name.replace(/\.[a-z0-9]+$/i, '');
    const title = byId('add-title', HTMLInputElement);
    const name = byId('add-name', HTMLInputElement);
    if (title.value === '') title.value = plain.slice(0, 80);
    if (name.value === '') name.value = nameFor(plain);
    if (/\.apk$/i.test(chosen.name)) byId('add-os', HTMLSelectElement).value = 'android';
  });
  byId('add-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const [chosen] = file.files ?? [];
    if (chosen !== undefined) void offer(chosen);
  });
}

/** @param {File} file */
async function offer(file) {
  const status = byId('add-status', HTMLElement);
  const progress = byId('add-progress', HTMLProgressElement);
  const button = /** @type {HTMLButtonElement} */ (document.querySelector('#add-form button'));
  const name = byId('add-name', HTMLInputElement).value;
  button.disabled = true;
  progress.hidden = false;
  progress.value = 0;
  status.replaceChildren(make('p', { class: 'quiet' }, 'Sending…'));
  try {
    const { digest, bytes } = await send(file, name, (part) => {
      progress.value = part;
    });
    const os = byId('add-os', HTMLSelectElement).value;
    const description = byId('add-description', HTMLTextAreaElement).value.replaceAll('\r\n', '\n');
    const manifest = {
      ...{ format: 1, kind: 'application', name },
      version: byId('add-version', HTMLInputElement).value,
      title: byId('add-title', HTMLInputElement).value,
      ...(description === '' ? {} : { description }),
      files: [{ name: file.name, digest, bytes, mediaType: typeOf(file), ...(os === '' ? {} : { os }) }],
      ...(byId('add-web', HTMLInputElement).checked ? { web: file.name } : {}),
    };
    await ask(`/v1/store/${encodeURIComponent(name)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ manifest }),
    });
    location.assign(`/store/${encodeURIComponent(name)}`);
  } catch (error) {
    status.replaceChildren(problemBox(asProblem(error)));
  } finally {
    progress.hidden = true;
    button.disabled = false;
  }
}

/**
 * @param {File} file
 * @param {string} name
 * @param {(part: number) => void} onProgress
 * @returns {Promise<{ digest: string, bytes: number }>}
 */
function send(file, name, onProgress) {
  const path = `/v1/store/${encodeURIComponent(name)}/files`;
  return upload(
    file,
    { method: 'POST', path, headers: { 'content-type': 'application/octet-stream' }, status: 201 },
    onProgress,
  );
}

/** @param {File} file */
function typeOf(file) {
  if (/\.apk$/i.test(file.name)) return 'application/vnd.android.package-archive';
  return /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(file.type)
    ? file.type
    : 'application/octet-stream';
}

/** @param {string} text */
function nameFor(text) {
  const words = text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return (
    words
      .replace(/^[^a-z]+/, '')
      .slice(0, 63)
      .replace(/-+$/, '') || 'entry'
  );
}
