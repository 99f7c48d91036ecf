import { type HttpFunction, Response } from 'cloudlet/guest';

const hello: HttpFunction = {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith('/echo')) return new Response(request.body);
    return new Response(`Hello, ${searchParams.get('name') ?? 'cloudlet'}!\n`);
  },
};

export default hello;
