/** Resolves when a request is forgotten, and closes then what it held. */
export function untilForgotten(signal: AbortSignal, close: () => void): Promise<null> {
  return new Promise((resolve) => {
    const end = () => {
      close();
      resolve(null);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
