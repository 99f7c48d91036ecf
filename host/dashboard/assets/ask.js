// @ts-check
/** Requests to the cloudlet, with every failure as one kind of error that can be shown. */

/** A failure that a person can be shown: a problem document, or that there was no answer. */
export class Problem extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {string} code
   */
  constructor(title, detail, code) {
    super(detail);
    this.title = title;
    this.code = code;
  }
}

/**
 * Asks the cloudlet. Gives the response when its status says that all went well; throws a `Problem` else, and passes an abort on.
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function ask(path, init = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem(
      'No answer from the cloudlet',
      'It may have stopped, or this device has left its network. Check both, then try again.',
      'unreachable',
    );
  }
  if (response.ok) return response;
  // The session is over: the page as it is without one says so, and how to get another.
  if (response.status === 401 && path !== '/v1/session') location.reload();
  throw problemFrom(response.status, await response.text().catch(() => ''));
}

/**
 * The problem that an answer tells of.
 * @param {number} status
 * @param {string} text
 */
export function problemFrom(status, text) {
  try {
    const { title, detail, code } = JSON.parse(text);
    if (typeof title === 'string' && typeof detail === 'string') return new Problem(title, detail, String(code));
  } catch {
    // Not a problem document: a proxy's page, or an answer that was cut off. The status says what is known.
  }
  return new Problem(`The answer was ${status}`, 'It did not say why. The log of the host may.', String(status));
}

/**
 * Whatever was thrown, as a problem.
 * @param {unknown} error
 */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  return new Problem('This page failed', error instanceof Error ? error.message : String(error), 'page');
}
