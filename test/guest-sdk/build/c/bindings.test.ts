// end to end
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateBindings } from '../../../../guest-sdk/build/c/bindings.ts';
import { flatten } from '../../../../guest-sdk/build/c/flat-type.ts';
import { identifier, literal } from '../../../../guest-sdk/build/c/identifier.ts';
import { describeWorld } from '../../../../guest-sdk/build/describe-world.ts';
import { assembleWit } from '../../../../guest-sdk/build/wasi-wit.ts';
import { formatType, type WitFunction, type WitType } from '../../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../../support/built-function.ts';
import { SeededRandom } from '../../../support/random.ts';
import { echoOf, randomType, randomValue } from '../../../support/wit-values.ts';

const bindings = suite('C bindings');

const u8: WitType = { kind: 'u8' };
const f32: WitType = { kind: 'f32' };
const f64: WitType = { kind: 'f64' };
const u64: WitType = { kind: 'u64' };
const string: WitType = { kind: 'string' };

/** A variant with a case for each payload. */
const variantOf = (...payloads: (WitType | null)[]): WitType => ({
  kind: 'variant',
  cases: payloads.map((type, at) => ({ name: `c${at}`, type })),
});

for (const [what, type, flat] of [
  ['a small integer', u8, ['i32']],
  ['a string', string, ['i32', 'i32']],
  ['a variant without payloads', variantOf(null, null), ['i32']],
  ['an option', { kind: 'option', some: u64 }, ['i32', 'i64']],
  ['cases of one width', variantOf(f32, u8), ['i32', 'i32']],
  ['cases of two widths', variantOf(f32, u64), ['i32', 'i64']],
  ['floats of two widths', variantOf(f32, f64), ['i32', 'i64']],
  ['cases of several lengths', variantOf(string, f64, null), ['i32', 'i64', 'i32']],
  ['a tuple', { kind: 'tuple', elements: [u8, string, f32] }, ['i32', 'i32', 'i32', 'f32']],
] as const) {
  bindings(`carry ${what} in ${flat.join(', ')}`, () => assert.equal(flatten(type), flat));
}

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

/** Writes types as WIT; records and the like get names of their own, as WIT demands. */
class WitWriter {
  readonly declarations: string[] = [];

  type(type: WitType): string {
    switch (type.kind) {
      case 'record':
        return this.#declare(
          'record',
          type.fields.map((field) => `%${field.name}: ${this.type(field.type)}`),
        );
      case 'variant':
        return this.#declare(
          'variant',
          type.cases.map((c) => `%${c.name}${c.type === null ? '' : `(${this.type(c.type)})`}`),
        );
      case 'enum':
        return this.#declare(
          'enum',
          type.cases.map((name) => `%${name}`),
        );
      case 'flags':
        return this.#declare(
          'flags',
          type.names.map((name) => `%${name}`),
        );
      case 'list':
        return `list<${this.type(type.element)}>`;
      case 'option':
        return `option<${this.type(type.some)}>`;
      case 'tuple':
        return `tuple<${type.elements.map((element) => this.type(element)).join(', ')}>`;
      case 'result': {
        if (type.ok === null && type.err === null) return 'result';
        const ok = type.ok === null ? '_' : this.type(type.ok);
        return type.err === null ? `result<${ok}>` : `result<${ok}, ${this.type(type.err)}>`;
      }
      default:
        return type.kind;
    }
  }

  #declare(kind: string, members: readonly string[]): string {
    const name = `t${this.declarations.length}`;
    this.declarations.push(`${kind} ${name} { ${members.join(', ')} }`);
    return name;
  }
}

/** A random type that WIT can write: it has no empty tuples. */
function writableType(random: SeededRandom): WitType {
  for (;;) {
    const type = randomType(random, 4);
    if (!JSON.stringify(type).includes('"elements":[]')) return type;
  }
}

/** C functions that give back what they are given, for every prototype of the world's header. */
async function echoes(wit: string, scratch: string): Promise<string> {
  await assembleWit(wit, scratch);
  const { header } = generateBindings({ name: 'w', ...(await describeWorld(scratch, 'w')) });
  const prototypes = [...header.text.matchAll(/^(\w+) (w_i_echo\d+)\((\w+) value\);$/gm)];
  const bodies = prototypes.map(([, result, name, param]) => `${result} ${name}(${param} value) { return value; }\n`);
  return `#include "${header.name}"\n${bodies.join('')}`;
}

for (const entry of ['f.c', 'f.cpp'])
  bindings(`carry random values of random types there and back through ${entry}`, async () => {
    const random = new SeededRandom(Number(process.env['SEED'] ?? Date.now() % 2 ** 32));
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-bindings-'));
    const types = Array.from({ length: 40 }, () => writableType(random));
    const writer = new WitWriter();
    const written = types.map((type) => writer.type(type));
    const functions = written.map((type, at) => `echo${at}: func(value: ${type}) -> ${type};`);
    const wit = `package test:random;\ninterface i {\n${[...writer.declarations, ...functions].join('\n')}\n}\nworld w { export i; }\n`;
    try {
      const project = join(folder, 'project');
      await mkdir(project);
      await writeFile(join(project, 'cloudlet.json'), JSON.stringify({ name: 'random', entry, wit: 'w.wit' }));
      await writeFile(join(project, 'w.wit'), wit);
      await writeFile(join(project, entry), await echoes(join(project, 'w.wit'), join(folder, 'scratch')));
      const fn = await BuiltFunction.open(project);
      try {
        assert.is(fn.exports.length, types.length);
        for (const [at, type] of types.entries()) {
          for (let round = 0; round < 8; round++) {
            const value = randomValue(random, type, 'json');
            // As text, because a field may be called "constructor", by which assert.equal tells classes.
            const back = JSON.stringify(await fn.call(`i.echo${at}`, value));
            assert.is(back, JSON.stringify(value), `SEED=${random.seed}: ${formatType(type)}`);
          }
        }
      } finally {
        await fn.close();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

bindings.run();
