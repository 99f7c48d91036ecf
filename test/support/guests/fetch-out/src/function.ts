// What `fetch` promises, each promise at a path of its own; the query is the address that is asked.
import { type HttpFunction, Request, Response } from 'cloudlet/guest';

async function* pieces(count: number) {
  for (let at = 0; at < count; at++) yield new Uint8Array(100_000).fill(at);
}

const length = async (response: globalThis.Response) => String((await response.arrayBuffer()).byteLength);

const paths: Record<string, (url: string) => Promise<Response | string>> = {
  '/get': async (url) => {
    const { status, headers } = await fetch(url);
    return `${status} ${headers.get('x-said')}`;
  },
  '/post': async (url) => {
    const response = await fetch(url, { method: 'POST', body: 'ünder way', headers: { 'x-asked': 'yes' } });
    return JSON.stringify(await response.json());
  },
  '/request': async (url) => (await fetch(new Request(url, { method: 'REPORT' }) as never)).text(),
  '/url': async (url) => (await fetch(new URL(url))).text(),
  '/upload': async (url) => (await fetch(url, { method: 'PUT', body: pieces(20) as never })).text(),
  '/download': async (url) => length(await fetch(url)),
  '/pass-on': async (url) => new Response((await fetch(url)).body as never),
  '/together': async (url) =>
    (await Promise.all([1, 2, 3].map(async (n) => (await fetch(`${url}${n}`)).text()))).join(),
  '/many': async (url) => {
    let read = 0;
    for (let at = 0; at < 200; at++) read += (await (await fetch(url)).text()).length;
    return String(read);
  },
  '/failure': async (url) => {
    try {
      return `answered ${(await fetch(url)).status}`;
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  },
};

const app: HttpFunction = {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const answer = await paths[pathname]!(decodeURIComponent(search.slice(1)));
    return typeof answer === 'string' ? new Response(answer) : answer;
  },
};

export default app;
