// Request, Response and the like are global, as in browsers.
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === 'POST' && pathname.endsWith('/sort')) {
      const lines = (await request.text()).split('\n').filter((line) => line !== '');
      return new Response(lines.sort().join('\n'));
    }
    if (request.method !== 'GET') return new Response('GET it, or POST lines to /sort\n', { status: 405 });
    return Response.json({ hello: searchParams.get('name') ?? 'you', path: pathname });
  },
};
