/** The floor of the invoke benchmark: plain Hono on the same Node and adapter, answering what the function of the benchmark answers. */

import { argv } from 'node:process';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { BODY } from './floor-body.ts';

const app = new Hono();
app.get('/', (c) => c.text(BODY));
serve({ fetch: app.fetch, port: Number(argv[2]), hostname: '127.0.0.1' });
