// @ts-check
/** The picture panel: a photograph goes out, what a function made of it comes back, with the time it took. */
import { ask, asProblem, Problem } from './ask.js';
import { decodeAnswer, encodeArguments } from './message-pack.js';
import { timingView } from './timing.js';
import { byId, formatBytes, make, problemBox } from './view.js';

/** First bytes of the kinds of pictures that browsers show. */
const PICTURES = /** @type {const} */ ([
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x52, 0x49, 0x46, 0x46]],
]);

/** What a number behind the picture starts as, by the name of its parameter. */
const NUMBERS = /** @type {Readonly<Record<string, number>>} */ ({ width: 320, height: 240, quality: 80 });

/** @type {File | Blob | null} */
let picked = null;
let running = new AbortController();

/** Starts the panel, again whenever it was renewed because the functions changed. */
export function startPicture() {
  connect();
  document.addEventListener('renewed', (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== 'picture') return;
    connect();
    if (picked !== null) showBefore(picked);
  });
}

function connect() {
  if (document.getElementById('picture-form') === null) return;
  const target = byId('picture-target', HTMLSelectElement);
  const file = byId('picture-file', HTMLInputElement);
  const drop = byId('picture-drop', HTMLElement);
  target.addEventListener('change', () => {
    showNumbers();
    void run();
  });
  byId('picture-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    // So that the same file can be chosen again.
    if (chosen !== undefined) take(chosen);
    file.value = '';
  });
  for (const kind of ['dragenter', 'dragover']) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  for (const kind of ['dragleave', 'drop']) drop.addEventListener(kind, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    const [dropped] = event.dataTransfer?.files ?? [];
    // A component that is dropped here is for the publish panel, which listens on the whole page.
    if (dropped === undefined || dropped.name.endsWith('.wasm')) return;
    event.preventDefault();
    event.stopPropagation();
    take(dropped);
  });
  const sample = document.getElementById('picture-sample');
  sample?.addEventListener('click', async () => {
    try {
      take(await (await ask(sample.dataset['address'] ?? '')).blob());
    } catch (error) {
      showProblem(asProblem(error));
    }
  });
  showNumbers();
}

/** @param {File | Blob} file */
function take(file) {
  picked = file;
  showBefore(file);
  void run();
}

/** @param {File | Blob} file */
function showBefore(file) {
  const before = byId('picture-before', HTMLImageElement);
  show(before, file);
  byId('picture-drop', HTMLElement).classList.add('filled');
  const caption = byId('picture-before-caption', HTMLElement);
  caption.textContent = formatBytes(file.size);
  before.onload = () => {
    caption.textContent = `${before.naturalWidth} × ${before.naturalHeight}, ${formatBytes(file.size)}`;
  };
  before.onerror = () => {
    before.hidden = true;
    caption.textContent = `${formatBytes(file.size)}, not a picture that this browser can show`;
  };
}

/** Offers a field for each number that the chosen function takes. */
function showNumbers() {
  const fields = chosen().numbers.map((name) => {
    const input = make('input', { type: 'number', id: `picture-number-${name}`, name, min: '1', max: '100000' });
    /** @type {HTMLInputElement} */ (input).value = String(NUMBERS[name] ?? 1);
    input.addEventListener('change', () => void run());
    return make('span', {}, make('label', { for: `picture-number-${name}` }, name), input);
  });
  byId('picture-numbers', HTMLElement).replaceChildren(...fields);
}

function chosen() {
  const [option] = byId('picture-target', HTMLSelectElement).selectedOptions;
  const [name = '', exported = ''] = (option?.value ?? '').split('/');
  const numbers = (option?.dataset['numbers'] ?? '').split(' ').filter((word) => word !== '');
  return { name, exported, numbers, fallible: option?.dataset['fallible'] === 'true' };
}

async function run() {
  if (picked === null) return;
  running.abort();
  const mine = new AbortController();
  running = mine;
  const { name, exported, numbers, fallible } = chosen();
  const values = numbers.map((each) => Number(byId(`picture-number-${each}`, HTMLInputElement).value) | 0);
  byId('picture-spinner', HTMLElement).hidden = false;
  byId('picture-result', HTMLElement).classList.add('busy');
  const startedAt = performance.now();
  const clock = setInterval(() => showElapsed(performance.now() - startedAt), 1000);
  try {
    const response = await ask(`/v1/functions/${name}/call/${encodeURIComponent(exported)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/msgpack', accept: 'application/msgpack' },
      body: encodeArguments(picked, values),
      signal: mine.signal,
    });
    const answer = decodeAnswer(await response.arrayBuffer());
    const totalMs = performance.now() - startedAt;
    showAfter(fileOf(answer, fallible, name), `${name}-${exported}`);
    byId('picture-status', HTMLElement).replaceChildren(timingView(response, totalMs));
  } catch (error) {
    if (!mine.signal.aborted) showProblem(asProblem(error));
  } finally {
    clearInterval(clock);
    if (running === mine) {
      byId('picture-spinner', HTMLElement).hidden = true;
      byId('picture-result', HTMLElement).classList.remove('busy');
    }
  }
}

/**
 * The file in an answer; the function's own error is thrown.
 * @param {unknown} answer
 * @param {boolean} fallible
 * @param {string} name
 */
function fileOf(answer, fallible, name) {
  const result = /** @type {{ ok?: unknown, err?: unknown }} */ (answer);
  if (fallible && result !== null && Object.hasOwn(result, 'err')) {
    throw new Problem(`${name} could not do it`, String(result.err), 'the function’s own error');
  }
  const bytes = fallible ? result.ok : answer;
  if (!(bytes instanceof Uint8Array)) throw new Error('expected a file as the answer, got something else');
  const type = PICTURES.find(([, magic]) => magic.every((byte, at) => bytes[at] === byte))?.[0];
  return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type: type ?? 'application/octet-stream' });
}

/**
 * @param {Blob} file
 * @param {string} name
 */
function showAfter(file, name) {
  const after = byId('picture-after', HTMLImageElement);
  const caption = byId('picture-after-caption', HTMLElement);
  const hint = byId('picture-hint', HTMLElement);
  const isPicture = file.type.startsWith('image/');
  show(after, file);
  after.hidden = !isPicture;
  hint.hidden = isPicture;
  hint.textContent = 'The answer is a file that is no picture.';
  const save = make('a', { href: after.src, download: `${name}${isPicture ? `.${file.type.slice(6)}` : ''}` }, 'save');
  caption.replaceChildren(formatBytes(file.size), ' · ', save);
  after.onload = () => {
    caption.replaceChildren(`${after.naturalWidth} × ${after.naturalHeight}, ${formatBytes(file.size)}`, ' · ', save);
  };
}

/**
 * A first call may have to wait for a machine to boot. The caption is not read aloud, or it would be every second.
 * @param {number} ms
 */
function showElapsed(ms) {
  byId('picture-after-caption', HTMLElement).textContent = `working for ${Math.round(ms / 1000)} s`;
}

/** @param {Problem} problem */
function showProblem(problem) {
  byId('picture-after', HTMLImageElement).hidden = true;
  byId('picture-after-caption', HTMLElement).replaceChildren();
  const hint = byId('picture-hint', HTMLElement);
  hint.hidden = false;
  hint.textContent = 'No result.';
  byId('picture-status', HTMLElement).replaceChildren(problemBox(problem));
}

/**
 * @param {HTMLImageElement} image
 * @param {Blob} file
 */
function show(image, file) {
  // The address of the picture before this one keeps its bytes in memory until it is given back.
  if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.hidden = false;
}
