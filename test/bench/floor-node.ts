/** What a server of Node's can do at most: `node:http` alone, which answers with as many header fields as the host does. */

import { createServer } from 'node:http';
import { argv } from 'node:process';
import { BODY } from './floor-body.ts';

const FIELDS = {
  'content-type': 'text/plain',
  'content-length': String(BODY.length),
  'content-security-policy': 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cloudlet-invocation-id': '00000000-0000-4000-8000-000000000000',
  traceparent: '00-00000000000040008000000000000000-8000000000000000-00',
  'cloudlet-function-version': '1',
  'server-timing': 'queue;dur=0.005, start;dur=0;desc="idle", run;dur=0.12',
};

createServer((_, response) => response.writeHead(200, FIELDS).end(BODY)).listen(Number(argv[2]), '127.0.0.1');
