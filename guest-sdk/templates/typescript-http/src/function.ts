import { type HttpFunction, Response } from 'cloudlet/guest';

const http: HttpFunction = {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.method === 'POST') {
      const text = await request.text();
      return Response.json({ path: pathname, characters: [...text].length });
    }
    return new Response(`Hello from ${pathname}\n`);
  },
};

export default http;
