/** Gives QuickJS a `fetch`, in functions that may ask hosts. */
import { fetch } from './fetch.ts';

Object.assign(globalThis, { fetch });
