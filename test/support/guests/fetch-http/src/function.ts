// What the guest library promises an http function, each promise at a path of its own.
import { Headers, type HttpFunction, type Request, Response } from 'cloudlet/guest';

let calls = 0;

const later = (ms: number, value: string) => new Promise<string>((resolve) => setTimeout(() => resolve(value), ms));

async function* count(to: number) {
  for (let n = 1; n <= to; n++) {
    await later(1, '');
    yield new TextEncoder().encode(`${n}\n`);
  }
}

async function* breaking() {
  yield new TextEncoder().encode('begun');
  throw new Error('broke half-way');
}

const paths: Record<string, (request: Request, url: URL) => Response | Promise<Response>> = {
  '/fetch': async () => new Response(String((await fetch('http://a.example/')).status)),
  '/text': () => new Response('plain'),
  '/json': async (request) => Response.json({ got: await request.json() }, { status: 201 }),
  '/echo': (request) => new Response(request.body, { headers: request.headers }),
  '/bytes': async (request) => new Response(String((await request.bytes()).length)),
  '/empty': () => new Response(null, { status: 204 }),
  '/redirect': () => Response.redirect('/text', 307),
  '/request': (request, url) =>
    Response.json({
      url: request.url,
      method: request.method,
      headers: [...request.headers],
      name: url.searchParams.get('name'),
    }),
  '/cookies': () => {
    const headers = new Headers({ 'x-one': '1' });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    return new Response('', { headers });
  },
  '/count': () => new Response(String(++calls)),
  '/stream': (_, url) => new Response(count(Number(url.searchParams.get('to')))),
  '/breaking': () => new Response(breaking()),
  '/race': async () => new Response(await Promise.race([later(3_600_000, 'slow'), later(5, 'quick')])),
  '/together': async () => {
    const started = Date.now();
    const texts = await Promise.all([later(150, 'a'), later(150, 'b'), later(150, 'c')]);
    return Response.json({ texts, ms: Date.now() - started });
  },
  '/order': async () => {
    const order: string[] = [];
    setTimeout(() => order.push('timer'), 0);
    const cancelled = setTimeout(() => order.push('cancelled'), 0);
    clearTimeout(cancelled);
    queueMicrotask(() => order.push('microtask'));
    order.push('now');
    await later(5, '');
    return Response.json(order);
  },
  '/random': () => Response.json([Math.random(), crypto.randomUUID(), ...crypto.getRandomValues(new Uint8Array(4))]),
  '/log': () => {
    console.error('to the log', { n: 1 }, new Error('with its words'));
    return new Response('logged');
  },
  '/throw': () => {
    throw new Error('a secret of the function');
  },
  '/reject': async () => {
    await later(1, '');
    throw new Error('after a while');
  },
  '/forever': async () => new Response(await new Promise<string>(() => {})),
  '/wrong': () => 'a string' as unknown as Response,
};

const app: HttpFunction = {
  fetch(request) {
    const url = new URL(request.url);
    return paths[url.pathname]?.(request, url) ?? new Response('no such path\n', { status: 404 });
  },
};

export default app;
