// @ts-check
/** The entrance: exchanges the owner's token for a session, whether it came in the address or was typed. */
import { ask, asProblem, Problem } from './ask.js';
import { byId, make, problemBox } from './view.js';

/**
 * Opens a session and shows the cloudlet.
 * @param {string} token
 */
async function enter(token) {
  const problems = byId('entrance-problem', HTMLElement);
  const lead = byId('entrance-lead', HTMLElement);
  const before = lead.textContent;
  lead.textContent = 'Opening…';
  problems.replaceChildren();
  try {
    await ask('/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    // A code that somebody scanned may lead to a page of the store.
    location.replace(location.pathname === '/pair' ? '/' : location.pathname + location.search);
  } catch (error) {
    lead.textContent = before;
    problems.replaceChildren(problemBox(inWords(error)));
  }
}

/** @param {unknown} error */
function inWords(error) {
  const problem = asProblem(error);
  if (problem.code !== 'unauthorized') return problem;
  return new Problem(
    'This is not the token of this cloudlet',
    'The link may be an old one: a new data directory makes a new token. Take the link or the code that the terminal shows now.',
    problem.code,
  );
}

const token = new URLSearchParams(location.hash.slice(1)).get('token');
if (location.hash !== '') {
  // The token must not stay in the address bar, the history, or a screenshot.
  history.replaceState(null, '', location.pathname);
}
if (token) void enter(token);
else if (location.pathname === '/' && sessionStorage.getItem('had-session') === 'yes') {
  byId('entrance-problem', HTMLElement).replaceChildren(
    make('p', { class: 'note' }, 'The session has ended. Open the cloudlet’s link again, or give the owner’s token.'),
  );
}

byId('entrance-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void enter(byId('entrance-token', HTMLInputElement).value.trim());
});
