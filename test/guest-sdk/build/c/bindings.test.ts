// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateBindings } from '../../../../guest-sdk/build/c/bindings.ts';
import { identifier, literal } from '../../../../guest-sdk/build/c/identifier.ts';
import type { WitFunction, WitType } from '../../../../guest-sdk/protocol/index.ts';
import type { NamedTypes } from '../../../../runtime/index.ts';
import { tryEchoes } from '../../../support/echo-world.ts';
import { echoOf } from '../../../support/wit-values.ts';

const bindings = suite('C bindings');

const f32: WitType = { kind: 'f32' };
const f64: WitType = { kind: 'f64' };

bindings('turn WIT names into C names that C and C++ allow', () => {
  assert.equal(['item-name', 'HTTP-server', 'default', 'stdin', 'class', 'x'].map(identifier), [
    'item_name',
    'http_server',
    'default_',
    'stdin_',
    'class_',
    'x',
  ]);
});

bindings('let no name end the string that it is written in', () => {
  assert.is(literal('a:b/c@1.0.0-rc.1+x#f'), '"a:b/c@1.0.0-rc.1+x#f"');
  assert.is(literal('a"\\\n'), '"a\\x22""\\x5c""\\xa"""');
});

bindings('declare types once, in order, under the names of their author', () => {
  const point: WitType = { kind: 'record', fields: [{ name: 'x', type: f64 }] };
  const other: WitType = { kind: 'record', fields: [{ name: 'x', type: f32 }] };
  const path: WitType = { kind: 'list', element: point };
  const fn = (name: string, param: WitType, result: WitType | null): WitFunction => ({
    ...echoOf(param),
    name,
    function: name,
    result,
  });
  const names = new Map([
    [point, 'point'],
    [other, 'point'],
  ]);
  const functions = [fn('walk', path, point), fn('jump', { ...point }, null), fn('fly', other, null)];
  const { header } = generateBindings({ name: 'way-out', functions, names });
  assert.is(header.name, 'way_out.h');
  assert.match(
    header.text,
    'typedef struct {\n  double x;\n} way_out_point_t;\n\ntypedef struct {\n  way_out_point_t *data;',
  );
  assert.match(header.text, 'way_out_point_t way_out_walk(way_out_list_point_t value);');
  assert.match(header.text, 'void way_out_fly(way_out_point2_t value);');
  assert.is(header.text.match(/\} way_out_point_t;/g)?.length, 1);
});

bindings('refuse more flags than the canonical ABI carries', () => {
  const flags: WitType = { kind: 'flags', names: Array.from({ length: 33 }, (_, at) => `f${at}`) };
  assert.throws(() => generateBindings({ name: 'w', functions: [echoOf(flags)], names: new Map() }), /at most 32/);
});

/** C functions that give back what they are given, for every prototype of the world's header. */
async function echoes(world: NamedTypes): Promise<string> {
  const { header } = generateBindings({ name: 'w', ...world });
  const prototypes = [...header.text.matchAll(/^(\w+) (w_i_echo\d+)\((\w+) value\);$/gm)];
  const bodies = prototypes.map(([, result, name, param]) => `${result} ${name}(${param} value) { return value; }\n`);
  return `#include "${header.name}"\n${bodies.join('')}`;
}

for (const entry of ['f.c', 'f.cpp'])
  bindings(`carry random values of random types there and back through ${entry}`, () => tryEchoes(entry, echoes));

bindings.run();
