/**
 * A world of functions that give back what they are given, one for each of many random types, and a project that implements it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { describeWorld } from '../../guest-sdk/build/describe-world.ts';
import { assembleWit } from '../../guest-sdk/build/wasi-wit.ts';
import { formatType, type WitType } from '../../guest-sdk/protocol/index.ts';
import type { NamedTypes } from '../../runtime/index.ts';
import { BuiltFunction } from './built-function.ts';
import { SeededRandom } from './random.ts';
import { randomType, randomValue } from './wit-values.ts';

const TYPES = 40;
const ROUNDS = 8;

/** Builds a project of the file `entry`, which `sourceOf` writes for the world `w`, with `more` in its project file, and sends random values through each of its functions. */
export async function tryEchoes(
  entry: string,
  sourceOf: (world: NamedTypes) => Promise<string>,
  more: object = {},
): Promise<void> {
  const random = new SeededRandom(Number(process.env['SEED'] ?? Date.now() % 2 ** 32));
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-bindings-'));
  const types = Array.from({ length: TYPES }, () => writableType(random));
  try {
    const project = join(folder, 'project');
    const scratch = join(folder, 'scratch');
    await mkdir(project);
    await writeFile(join(project, 'cloudlet.json'), JSON.stringify({ name: 'random', entry, wit: 'w.wit', ...more }));
    await writeFile(join(project, 'w.wit'), worldOf(types));
    await assembleWit(join(project, 'w.wit'), scratch);
    await writeFile(join(project, entry), await sourceOf(await describeWorld(scratch, 'w')));
    const fn = await BuiltFunction.open(project);
    try {
      assert.is(fn.exports.length, types.length);
      for (const [at, type] of types.entries()) {
        for (let round = 0; round < ROUNDS; round++) {
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
}

function worldOf(types: readonly WitType[]): string {
  const writer = new WitWriter();
  const written = types.map((type) => writer.type(type));
  const functions = written.map((type, at) => `echo${at}: func(value: ${type}) -> ${type};`);
  return `package test:random;\ninterface i {\n${[...writer.declarations, ...functions].join('\n')}\n}\nworld w { export i; }\n`;
}

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
