import type { Request } from './request.ts';
import type { Response } from './response.ts';

/**
 * A function that serves HTTP: the default export of its entry.
 * What `fetch` throws becomes a response of status 500, and its words go to the function's log.
 */
export interface HttpFunction {
  fetch(request: Request): Response | Promise<Response>;
}

/**
 * Calls a function so that whatever it does ends in a response.
 * `log` is told what it threw, which the caller of the function must not see.
 */
export async function respond(
  app: HttpFunction,
  request: Request,
  log: (error: unknown) => void,
  Type: typeof Response,
): Promise<Response> {
  try {
    const response: unknown = await app.fetch(request);
    if (response instanceof Type) return response;
    throw new TypeError(`fetch must give a Response, got ${response === null ? 'null' : typeof response}`);
  } catch (error) {
    log(error);
    return new Type('The function failed; its log says why.\n', {
      status: 500,
      headers: { 'content-type': 'text/plain' },
    });
  }
}
