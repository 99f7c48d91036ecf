import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { signature } from '../../../../guest-sdk/build/bindings/signature.ts';
import type { WitType } from '../../../../guest-sdk/protocol/index.ts';
import { echoOf } from '../../../support/wit-values.ts';

const signatures = suite('a signature');

const point: WitType = { kind: 'record', fields: [{ name: 'x', type: { kind: 'f64' } }] };
const error: WitType = { kind: 'enum', cases: ['access', 'io'] };
const names = new Map([[point, 'point']]);

for (const [type, text] of [
  [point, 'point'],
  [{ kind: 'list', element: { kind: 'option', some: point } }, 'list<option<point>>'],
  [{ kind: 'tuple', elements: [point, { kind: 'u8' }] }, 'tuple<point, u8>'],
  [{ kind: 'result', ok: point, err: error }, 'result<point, enum { access, io }>'],
  [{ kind: 'result', ok: null, err: point }, 'result<_, point>'],
  [{ kind: 'result', ok: point, err: null }, 'result<point>'],
  [{ kind: 'result', ok: null, err: null }, 'result'],
  [{ kind: 'unsupported', what: 'borrow<bucket>' }, 'borrow<bucket>'],
] as const) {
  signatures(`has ${text} by name`, () => {
    const fn = { ...echoOf(type), name: 'f' };
    assert.is(signature(fn, names), `f: func(value: ${text}) -> ${text}`);
    assert.is(signature({ ...fn, params: [], result: null }, names), 'f: func()');
  });
}

signatures.run();
