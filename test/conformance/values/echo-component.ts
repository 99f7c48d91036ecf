import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentEmbed, componentNew } from '@bytecodealliance/jco';
import type { WitType } from '../../../guest-sdk/protocol/index.ts';
import { wat } from '../../support/wat.ts';

/** Parameters behind the value, so many that all go through the guest's memory and none through registers. */
export const PADDING = 17;

/** Parameters that the result repeats. */
export const REPEATED = 2;

const INTERFACE = 'local:echo/values';

/** How the function of the type at an index is called: `values.echo-3`. */
export const functionOf = (index: number): string => `values.echo-${nameOf(index)}`;

/**
 * A component with one function for each type, which gives back the value that it was given. The guest copies nothing: parameters
 * that are too many for registers lie in its memory one behind the other, and the result begins like them, so the same address is the answer. What
 * goes in and out is thus laid out, read and written by the engine alone, in both directions.
 */
export async function echoComponent(types: readonly WitType[]): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-echo-'));
  try {
    const wit = join(folder, 'wit');
    await mkdir(wit);
    await writeFile(join(wit, 'world.wit'), witText(types));
    const embedded = await componentEmbed({ binary: await wat(moduleText(types)), witPath: wit, world: 'echo' });
    return await componentNew(embedded, []);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The WIT of the types and their functions. */
export function witText(types: readonly WitType[]): string {
  const writer = new WitWriter();
  const functions = types.map((type, index) => {
    const params = Array.from({ length: PADDING }, (_, at) => `p${at}: u64`);
    const result = `tuple<${[writer.name(type), ...Array.from({ length: REPEATED }, () => 'u64')].join(', ')}>`;
    return `  echo-${nameOf(index)}: func(value: ${writer.name(type)}, ${params.join(', ')}) -> ${result};`;
  });
  return [
    'package local:echo;',
    'interface values {',
    ...writer.declarations,
    ...functions,
    '}',
    'world echo { export values; }',
    '',
  ].join('\n');
}

/** WIT names begin with a letter in each word: 27 is `bb`. */
function nameOf(index: number): string {
  return [...index.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');
}

/** Writes types; records, variants, enums and flags can only be referred to by a name. */
class WitWriter {
  readonly declarations: string[] = [];
  readonly #names = new Map<WitType, string>();

  name(type: WitType): string {
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const written = this.#write(type);
    this.#names.set(type, written);
    return written;
  }

  #write(type: WitType): string {
    const or = (part: WitType | null, none: string) => (part === null ? none : this.name(part));
    switch (type.kind) {
      case 'list':
        return `list<${this.name(type.element)}>`;
      case 'tuple':
        return `tuple<${type.elements.map((each) => this.name(each)).join(', ')}>`;
      case 'option':
        return `option<${this.name(type.some)}>`;
      case 'result':
        if (type.err === null) return type.ok === null ? 'result' : `result<${this.name(type.ok)}>`;
        return `result<${or(type.ok, '_')}, ${this.name(type.err)}>`;
      case 'record':
        return this.#declare(
          'record',
          type.fields.map((field) => `%${field.name}: ${this.name(field.type)}`),
        );
      case 'variant':
        return this.#declare(
          'variant',
          type.cases.map((each) => `%${each.name}${each.type === null ? '' : `(${this.name(each.type)})`}`),
        );
      case 'enum':
        return this.#declare(
          'enum',
          type.cases.map((each) => `%${each}`),
        );
      case 'flags':
        return this.#declare(
          'flags',
          type.names.map((each) => `%${each}`),
        );
      case 'unsupported':
        throw new Error('no component has an unsupported type here');
      default:
        return type.kind;
    }
  }

  #declare(what: string, parts: readonly string[]): string {
    const name = `type-${nameOf(this.declarations.length)}`;
    this.declarations.push(`  ${what} ${name} { ${parts.join(', ')} }`);
    return name;
  }
}

/** The core module: an allocator that starts anew after each call, and the same short function under all names. */
function moduleText(types: readonly WitType[]): string {
  const exports = types.map((_, index) => {
    const name = `${INTERFACE}#echo-${nameOf(index)}`;
    return `(export "${name}" (func $echo)) (export "cabi_post_${name}" (func $forget))`;
  });
  return `(module
    (memory (export "memory") 16)
    (global $top (mut i32) (i32.const 64))
    (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $top) (i32.shl (memory.size) (i32.const 16))) (then unreachable))
      (memory.copy (local.get $at) (local.get $old) (local.get $had))
      (local.get $at))
    (func $echo (param i32) (result i32) (local.get 0))
    (func $forget (param i32) (global.set $top (i32.const 64)))
    ${exports.join('\n    ')})`;
}
