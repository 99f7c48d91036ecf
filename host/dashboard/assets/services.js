// @ts-check
/** Services: their VMs are started and stopped. What there is comes with the page's own copies; see `live.js`. */
import { ask, asProblem } from './ask.js';
import { problemBox } from './view.js';

/** Listens to the buttons of all services, those to come included. */
export function startServices() {
  document.addEventListener('click', (event) => {
    const button = /** @type {Element} */ (event.target).closest('[data-service] [data-act]');
    if (button instanceof HTMLButtonElement) void act(button);
  });
}

/**
 * Starts or stops a service, and says what went wrong.
 * @param {HTMLButtonElement} button
 */
async function act(button) {
  const block = /** @type {HTMLElement} */ (button.closest('[data-service]'));
  const name = block.dataset['service'] ?? '';
  button.disabled = true;
  try {
    await ask(`/v1/services/${name}/${button.dataset['act']}`, { method: 'POST' });
  } catch (error) {
    // By its name: the block may have been renewed meanwhile.
    const place = document.querySelector(`[data-service="${CSS.escape(name)}"] .service-status`);
    place?.replaceChildren(problemBox(asProblem(error)));
  } finally {
    button.disabled = false;
  }
}
