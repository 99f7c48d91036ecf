// @ts-check
/** Publishing from the page: a component is dropped or chosen, sent with its progress, and watched until it is ready. */
import { asProblem, Problem } from './ask.js';
import { upload } from './upload.js';
import { byId, formatBytes, make, problemBox } from './view.js';

/** What each state of a deployment is called. */
const STAGES = /** @type {Readonly<Record<string, string>>} */ ({
  waiting: 'Waiting for its turn…',
  receiving: 'Receiving…',
  inspecting: 'Checking what it needs…',
  transpiling: 'Preparing it to run…',
  registering: 'Publishing…',
});

/** @type {File | null} */
let picked = null;

/** Starts the panel; a component may be dropped anywhere on the page. */
export function startPublish() {
  const file = byId('publish-file', HTMLInputElement);
  const drop = byId('publish-drop', HTMLElement);
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen !== undefined) take(chosen);
    file.value = '';
  });
  document.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) drop.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    drop.classList.remove('over');
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped === undefined) return;
    event.preventDefault();
    take(dropped);
    byId('publish', HTMLElement).scrollIntoView({ block: 'nearest' });
  });
  byId('publish-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    if (picked !== null) void publish(picked, byId('publish-name', HTMLInputElement).value);
  });
}

/** @param {File} file */
function take(file) {
  picked = file;
  byId('publish-picked', HTMLElement).textContent = `${file.name}, ${formatBytes(file.size)}`;
  byId('publish-drop', HTMLElement).classList.add('filled');
  byId('publish-status', HTMLElement).replaceChildren();
  const name = byId('publish-name', HTMLInputElement);
  name.value = nameFor(file.name);
  byId('publish-button', HTMLButtonElement).disabled = false;
  name.focus();
  name.select();
}

/**
 * A name for a function, made from the name of its file.
 * @param {string} file
 */
function nameFor(file) {
  const words = file
    .replace(/(\.component)?\.(wasm|tar)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return (
    words
      .replace(/^[^a-z]+/, '')
      .slice(0, 63)
      .replace(/-+$/, '') || 'function'
  );
}

/**
 * @param {File} file
 * @param {string} name
 */
async function publish(file, name) {
  const button = byId('publish-button', HTMLButtonElement);
  const status = byId('publish-status', HTMLElement);
  const progress = byId('publish-progress', HTMLProgressElement);
  const say = (/** @type {string} */ words) => status.replaceChildren(make('p', { class: 'quiet' }, words));
  button.disabled = true;
  progress.hidden = false;
  progress.value = 0;
  say('Sending…');
  try {
    const sent = await send(file, name, (part) => {
      progress.value = part;
    });
    progress.removeAttribute('value');
    const done = await settled(sent.id, (state) => say(STAGES[state] ?? state));
    const words = done.created
      ? `Published ${done.name}, version ${done.version}.`
      : `${done.name} was this component already, version ${done.version}.`;
    const warnings = (done.warnings ?? []).map((/** @type {string} */ each) => make('p', { class: 'quiet' }, each));
    status.replaceChildren(make('p', { class: 'note' }, words), ...warnings);
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
 * @returns {Promise<{ id: string }>}
 */
function send(file, name, onProgress) {
  const type = /\.tar$/i.test(file.name) ? 'application/x-tar' : 'application/wasm';
  const headers = { 'content-type': type, prefer: 'respond-async' };
  return upload(
    file,
    { method: 'PUT', path: `/v1/functions/${encodeURIComponent(name)}`, headers, status: 202 },
    onProgress,
  );
}

/**
 * Follows a deployment to its end.
 * @param {string} id
 * @param {(state: string) => void} onState
 * @returns {Promise<{ name: string, version: number, created: boolean, warnings?: string[] }>}
 */
function settled(id, onState) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/v1/deployments/${encodeURIComponent(id)}/events`);
    events.addEventListener('state', (event) => {
      const deployment = JSON.parse(event.data);
      if (deployment.state === 'failed') {
        events.close();
        reject(new Problem('The component was not published', deployment.problem.detail, deployment.problem.code));
      } else if (deployment.state === 'ready') {
        events.close();
        resolve(deployment.published);
      } else onState(deployment.state);
    });
    events.addEventListener('error', () => {
      if (events.readyState !== EventSource.CLOSED) return;
      reject(
        new Problem('The cloudlet stopped telling', 'The list of functions shows whether it was published.', 'lost'),
      );
    });
  });
}
