/** Gives QuickJS the globals that people expect. The first import of every bundle: a function's own modules run after it. */
import { Headers } from '../headers.ts';
import { Request } from '../request.ts';
import { Response } from '../response.ts';
import { console } from './console.ts';
import { crypto, mathRandom } from './random.ts';
import { enqueue, TaskPromise } from './task-promise.ts';
import { TextDecoder, TextEncoder } from './text-codec.ts';
import { clearTimeout, setTimeout } from './timers.ts';
import { URL, URLSearchParams } from './url.ts';

Object.assign(globalThis, {
  clearTimeout,
  console,
  crypto,
  Headers,
  Promise: TaskPromise,
  queueMicrotask: enqueue,
  Request,
  Response,
  setTimeout,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
});

Math.random = mathRandom;
