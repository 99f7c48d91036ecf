/** The `fetch` of a function that asks for no hosts: it says what to do. */
async function fetch(): Promise<never> {
  throw new TypeError(
    'the function asks for no host: name those that it fetches from in cloudlet.json, as "http": ["api.example.org"]',
  );
}

Object.assign(globalThis, { fetch });
