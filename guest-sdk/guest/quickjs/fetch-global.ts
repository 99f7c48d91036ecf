/** Gives QuickJS a `fetch`, in functions that ask for hosts. */
import { fetch } from './fetch.ts';

Object.assign(globalThis, { fetch });
