/** What a TypeScript function links: `import { Response, type HttpFunction } from 'cloudlet/guest'`. */
export type { BodyInit, BodySource } from './body.ts';
export { Headers, type HeadersInit } from './headers.ts';
export type { HttpFunction } from './http-function.ts';
export { Request, type RequestInit } from './request.ts';
export { Response, type ResponseInit } from './response.ts';
