import { CloudletError, type WitFunction, type WitType } from '../../protocol/index.ts';
import { coreCall, coreName } from '../bindings/core-call.ts';
import { shortName } from '../bindings/imported-function.ts';
import { naming, refuseExport, refuseImport } from '../bindings/refuse-function.ts';
import { signature } from '../bindings/signature.ts';
import type { World } from '../bindings/world.ts';
import { bitsOf, CORE_TYPES, fromBits } from './core-value.ts';
import { crateName, identifier, literal, moduleName } from './identifier.ts';
import { writeImports } from './imports.ts';
import { TypeWriter } from './type-writer.ts';

/** The crate that an author's code uses: its name, and the text of its root beside the parts in `guest/rust`. */
export interface RustBindings {
  readonly crate: string;
  readonly text: string;
  /** Core exports that there are once the author has used its macro. */
  readonly exports: readonly string[];
}

/** An exported function in its Rust form. */
interface RustExport {
  readonly wit: WitFunction;
  /** Parameters with their types, then the result: `(numbers: Vec<f64>) -> Result<Summary, String>`. */
  readonly form: string;
  /** Module of its trait: null for a function of the world itself. */
  readonly module: string | null;
  readonly core: string;
}

/** The memory that the host takes for what it gives. */
const REALLOCATE = `#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn reallocate(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    unsafe { $crate::__export::reallocate(old, old_size, align, size) }
}
`;

/**
 * Writes the Rust bindings of a world: its types, a trait `Guest` for its own functions and one for each interface, and the macro
 * `export!` that makes canonical ABI exports of a type with those traits. A program need not use that, so its crate itself has the
 * one export that what is imported needs.
 * @throws CloudletError `unsupported-type` for what Rust functions cannot take, naming the function.
 */
export function generateRust(world: World, { program = false } = {}): RustBindings {
  const { name, functions, imports = [], names, handles = new Map() } = world;
  const types = new TypeWriter({ names, handles });
  for (const wit of imports.flatMap((each) => each.functions)) refuseImport('Rust', wit, handles);
  const exports = functions.map((wit) => planExport(wit, types));
  const modules = [...new Set(exports.map((each) => each.module))];
  const full = new Set(functions.map((wit) => wit.interface));
  if (full.size > modules.length)
    throw new CloudletError('build-failed', 'two interfaces of the world would have one name in Rust; rename one');
  const traits = modules.map((module) =>
    traitOf(
      module,
      exports.filter((each) => each.module === module),
      names,
    ),
  );
  const bounds = modules.map((module) => (module === null ? 'crate::Guest' : `crate::${module}::Guest`)).join(' + ');
  const calls = exports.map((each, at) => callOf(each, at, bounds, types));
  const doors = exports.map((each, at) => doorOf(each, at));
  const taken = new Set(functions.flatMap((wit) => (wit.interface === null ? [] : [shortName(wit.interface)])));
  const imported = writeImports(imports, types, taken, names);
  const text = `// Generated from the WIT of the world ${JSON.stringify(name)} on every build; changes are lost.
#![allow(dead_code, non_camel_case_types, unused_imports, unused_macros, unused_unsafe, clippy::all)]
mod memory;
#[macro_use]
mod value;
#[macro_use]
mod lent;
#[macro_use]
mod compound;
#[macro_use]
mod resource;
use lent::{Kept, Lent, Slots};
use memory::{Fields, Flat, most_of, record_layout, variant_layout};
use value::{Laid, Value};

${types.definitions}
${imported}${traits.join('\n')}
#[doc(hidden)]
pub mod __export {
    use super::*;
    pub use memory::reallocate;
${calls.join('')}}

/// Exports the functions of the world by a type that has its traits.
#[macro_export]
macro_rules! export {
    ($guest:ty) => {
        const _: () = {
${program ? '' : REALLOCATE.replaceAll(/^(?=.)/gm, ' '.repeat(12))}${doors.join('')}        };
    };
}
${program ? REALLOCATE.replaceAll('$crate', 'crate') : ''}`;
  return { crate: crateName(name), text, exports: exports.map((each) => each.core) };
}

function planExport(wit: WitFunction, types: TypeWriter): RustExport {
  refuseExport('Rust', wit);
  return naming(wit, () => {
    const params = wit.params.map((param) => `${identifier(param.name)}: ${types.name(param.type)}`).join(', ');
    const result = wit.result === null ? '' : ` -> ${types.name(wit.result)}`;
    const module = wit.interface === null ? null : moduleName(shortName(wit.interface));
    return { wit, form: `(${params})${result}`, module, core: coreName(wit) };
  });
}

function traitOf(module: string | null, exports: readonly RustExport[], names: ReadonlyMap<WitType, string>): string {
  const functions = exports.map(
    ({ wit, form }) => `    /// \`${signature(wit, names)}\`\n    fn ${identifier(wit.function)}${form};\n`,
  );
  const trait = `/// The functions to write.\npub trait Guest {\n${functions.join('')}}\n`;
  return module === null
    ? trait
    : `pub mod ${module} {\n    use super::*;\n\n${trait.replaceAll(/^(?=.)/gm, '    ')}}\n`;
}

/** Core values that an export takes and gives, as Rust writes them. */
function coreOf({ wit }: RustExport) {
  const { flat, inMemory, behind, result: core } = coreCall(wit);
  const params = inMemory ? ['at: *mut u8'] : flat.map((type, at) => `a${at}: ${CORE_TYPES[type]}`);
  const names = inMemory ? ['at'] : flat.map((_, at) => `a${at}`);
  const result = behind ? '*mut u8' : core === null ? null : CORE_TYPES[core];
  return { flat, inMemory, params: params.join(', '), names: names.join(', '), given: behind, result };
}

function callOf(each: RustExport, at: number, bounds: string, types: TypeWriter): string {
  const { wit, module } = each;
  const { flat, inMemory, params, given, result } = coreOf(each);
  const locals = wit.params.map((param, index) => `let p${index}: ${types.name(param.type)} = `);
  const lines: string[] = [];
  if (inMemory) {
    lines.push('let mut fields = Fields::at(at);', ...locals.map((local) => `${local}fields.load();`));
    const layouts = wit.params.map((param) => {
      const name = types.name(param.type);
      return `(<${name}>::SIZE, <${name}>::ALIGN)`;
    });
    lines.push(`memory::release(at, record_layout(&[${layouts.join(', ')}]));`);
  } else if (locals.length > 0) {
    const values = flat.map((type, index) => bitsOf(type, `a${index}`));
    lines.push(`let flat = [${values.join(', ')}];`, 'let mut flat = Flat(&flat);');
    lines.push(...locals.map((local) => `${local}Value::lift(&mut flat);`));
  }
  const trait = module === null ? 'crate::Guest' : `crate::${module}::Guest`;
  const args = wit.params.map((_, index) => `p${index}`).join(', ');
  const call = `<__Guest as ${trait}>::${identifier(wit.function)}(${args})`;
  lines.push(given ? `value::give(${call})` : result === null ? `${call};` : fromBits(result, `${call}.bits()`));
  const post =
    wit.result !== null && given
      ? `    pub unsafe fn post_${at}(at: *mut u8) {\n        unsafe { value::take_back::<${types.name(wit.result)}>(at) }\n    }\n`
      : '';
  return `    pub unsafe fn call_${at}<__Guest: ${bounds}>(${params})${result === null ? '' : ` -> ${result}`} {
        unsafe {
${lines.map((line) => `            ${line}\n`).join('')}        }
    }
${post}`;
}

function doorOf(each: RustExport, at: number): string {
  const { params, names, given, result } = coreOf(each);
  const indent = ' '.repeat(12);
  const door = `${indent}#[unsafe(export_name = ${literal(each.core)})]
${indent}unsafe extern "C" fn call_${at}(${params})${result === null ? '' : ` -> ${result}`} {
${indent}    unsafe { $crate::__export::call_${at}::<$guest>(${names}) }
${indent}}
`;
  if (!given) return door;
  return `${door}${indent}#[unsafe(export_name = ${literal(`cabi_post_${each.core}`)})]
${indent}unsafe extern "C" fn post_${at}(at: *mut u8) {
${indent}    unsafe { $crate::__export::post_${at}(at) }
${indent}}
`;
}
