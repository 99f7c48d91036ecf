import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { lookUp, type Scope } from './type-space.ts';
import { hex, readFlag, readValueType } from './value-type-reader.ts';

type Operands = (section: ByteReader, scope: Scope) => void;

const nothing: Operands = () => {};
const type: Operands = (section, scope) => void lookUp(section, scope.types, 'a type');
const flag: Operands = (section) => void readFlag(section, 'whether a built-in function may wait');
const typeAndFlag: Operands = (section, scope) => {
  type(section, scope);
  flag(section, scope);
};
const typeAndOptions: Operands = (section, scope) => {
  type(section, scope);
  readCanonicalOptions(section, scope);
};
const context: Operands = (section) => {
  if (section.u8('the type of a context slot') !== 0x7f) throw section.malformed('a context slot of type i32');
  section.skipLeb('the number of a context slot');
};
const waitableSet: Operands = (section) => {
  readFlag(section, 'whether a wait can be cancelled');
  section.skipLeb('the index of a memory');
};
const taskReturn: Operands = (section, scope) => {
  if (readFlag(section, 'whether a task returns nothing')) {
    if (section.u8('the results of a task') !== 0x00) throw section.malformed('a task with one result or none');
  } else {
    readValueType(section, scope);
  }
  readCanonicalOptions(section, scope);
};

/** Built-in functions of the asynchronous component model, and what follows their opcode. They take the next indices of core functions, which nobody follows. */
const BUILT_INS: ReadonlyMap<number, Operands> = new Map([
  [0x05, nothing], // task.cancel
  [0x06, flag], // subtask.cancel
  [0x09, taskReturn],
  [0x0a, context], // context.get
  [0x0b, context], // context.set
  [0x0c, flag], // thread.yield
  [0x0d, nothing], // subtask.drop
  [0x0e, type], // stream.new
  [0x0f, typeAndOptions], // stream.read
  [0x10, typeAndOptions], // stream.write
  [0x11, typeAndFlag], // stream.cancel-read
  [0x12, typeAndFlag], // stream.cancel-write
  [0x13, type], // stream.drop-readable
  [0x14, type], // stream.drop-writable
  [0x15, type], // future.new
  [0x16, typeAndOptions], // future.read
  [0x17, typeAndOptions], // future.write
  [0x18, typeAndFlag], // future.cancel-read
  [0x19, typeAndFlag], // future.cancel-write
  [0x1a, type], // future.drop-readable
  [0x1b, type], // future.drop-writable
  [0x1f, nothing], // waitable-set.new
  [0x20, waitableSet], // waitable-set.wait
  [0x21, waitableSet], // waitable-set.poll
  [0x22, nothing], // waitable-set.drop
  [0x23, nothing], // waitable.join
  [0x24, nothing], // backpressure.inc
  [0x25, nothing], // backpressure.dec
]);

/** Reads one canonical function; a lift gets the next index of functions. */
export function readCanonical(section: ByteReader, scope: Scope): void {
  const opcode = section.u8('a canonical function');
  switch (opcode) {
    case 0x00: {
      if (section.u8('a lift') !== 0x00) throw section.malformed('a lift of a core function');
      section.skipLeb('the index of a core function');
      readCanonicalOptions(section, scope);
      const lifted = lookUp(section, scope.types, 'a function type');
      if (lifted.kind !== 'func') throw section.malformed(`a function type, not a ${lifted.kind} type,`);
      scope.funcs.push(lifted);
      return;
    }
    case 0x01:
      if (section.u8('a lower') !== 0x00) throw section.malformed('a lower of a function');
      lookUp(section, scope.funcs, 'a function');
      readCanonicalOptions(section, scope);
      return;
    case 0x02: // resource.new
    case 0x03: // resource.drop
    case 0x04: // resource.rep
      lookUp(section, scope.types, 'a resource');
      return;
    default: {
      const operands = BUILT_INS.get(opcode);
      if (operands === undefined) {
        throw refused(
          `the component uses a built-in function (${hex(opcode)}) that cannot run here: threads, error contexts and drafts of WASI 0.3 are not supported; build it for WASI 0.2 or 0.3.0`,
        );
      }
      operands(section, scope);
      scope.features.asynchronous = true;
    }
  }
}

function readCanonicalOptions(section: ByteReader, scope: Scope): void {
  const count = section.count('canonical options');
  scope.budget.spend(count);
  for (let left = count; left > 0; left -= 1) {
    const option = section.u8('a canonical option');
    if (option <= 0x02) continue; // string encodings
    if (option === 0x06) {
      scope.features.asynchronous = true;
      continue;
    }
    if (option > 0x07) {
      throw refused(
        `the component uses a canonical option (${hex(option)}) that cannot run here; build it for WASI 0.2 or 0.3.0`,
      );
    }
    section.skipLeb('the index of a canonical option');
  }
}
