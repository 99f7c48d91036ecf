import { Response } from 'cloudlet/guest';

/** What `http-c` does, in JavaScript, and numbers that must never repeat. */
export default {
  fetch(request: Request): Response {
    switch (new URL(request.url).pathname) {
      case '/json': {
        const items = Array.from({ length: 50 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'] }));
        return new Response(JSON.stringify(JSON.parse(JSON.stringify(items))), {
          headers: { 'content-type': 'application/json' },
        });
      }
      case '/random':
        return new Response(String(Math.random()));
      default:
        return new Response('hello\n');
    }
  },
};
