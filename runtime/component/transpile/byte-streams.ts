import type { GlueChange } from './glue-change.ts';

/** Buffers had numbers of their own, big integers in a map for each instance, under which nobody looks for them. */
const BUFFER_NUMBER: GlueChange = {
  where: 'class BufferManager',
  from: /if \(!this\.#buffers\.has\(componentIdx\)\)[^\n]*\n[^\n]*\n\s*const nextBufID = this\.getNextBufferID\(componentIdx\);\n/,
  to: () => 'const nextBufID = 0;\n',
};

const NUMBER_TAKEN: GlueChange = {
  where: 'instanceBuffers.has(nextBufID)',
  from: /^ *if \(instanceBuffers\.has\(nextBufID\)\) \{\n[^\n]*\n *\}\n/m,
  to: () => '',
};

/** What may be bytes was an array of numbers throughout, several copies of it: 64 KiB of a guest were 512 KiB each. */
const MAY_BE_BYTES: GlueChange = {
  from: /!Array\.isArray\((args\.data|values)\)(?=\) \{ throw new TypeError\(['"](?:values input to write|writeMany values)|\) \{\s*throw new TypeError\('host-only data)/g,
  to: (_, what) => `!Array.isArray(${what}) && !(${what} instanceof Uint8Array)`,
  anyTimes: true,
};

/** Bytes of a guest are seen where they are: whoever is given them copies them within the call. */
const SEEN: GlueChange = {
  where: 'class ManagedBuffer',
  from: 'values = Array.from(new Uint8Array(this.#memory.buffer, this.#ptr, count));',
  to: () => 'values = new Uint8Array(this.#memory.buffer, this.#ptr, count);',
};

const OF_THE_HOST: GlueChange = {
  where: 'class ManagedBuffer',
  from: /values = this\.#hostOnlyData\.slice\(0, count\);\s*this\.#hostOnlyData = this\.#hostOnlyData\.slice\(count\);/,
  to: () => `const all = this.#hostOnlyData;
        const cut = all instanceof Uint8Array ? 'subarray' : 'slice';
        values = count === all.length ? all : all[cut](0, count);
        this.#hostOnlyData = count === all.length ? [] : all[cut](count);`,
};

const TO_THE_HOST: GlueChange = {
  where: 'class ManagedBuffer',
  from: 'this.#hostOnlyData = this.#hostOnlyData.concat(values);',
  to: () => 'this.#hostOnlyData = joined$(this.#hostOnlyData, values);',
};

/** What comes behind what is there. Bytes are copied, since they may be a guest's memory. */
const JOINED: GlueChange = {
  where: 'class ManagedBuffer',
  from: /^ *class ManagedBuffer \{\n/m,
  to: (found) => `  const joined$ = (before, values) => {
    if (values.length === 0) { return before; }
    if (!(values instanceof Uint8Array)) { return before.length === 0 ? values : [...before, ...values]; }
    if (before.length === 0) { return values.slice(); }
    const both = new Uint8Array(before.length + values.length);
    both.set(before);
    both.set(values, before.length);
    return both;
  };
${found}`,
};

/** What a guest reads of the host: bytes as they came, as many as it has room for. */
const DRAINED: GlueChange = {
  where: 'class PendingValueQueue',
  from: /^ *drainInto\(target, maxCount\) \{\n/m,
  to: (found) => `    drain$(maxCount) {
      const first = this.#chunks[0];
      if (!(first instanceof Uint8Array) || this.#elemMeta.payloadTypeName !== 'U8') {
        const target = [];
        this.drainInto(target, maxCount);
        return target;
      }
      const part = first.subarray(this.#offset, this.#offset + Math.min(maxCount, this.#length));
      this.#offset += part.length;
      this.#length -= part.length;
      if (this.#offset === first.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
      return part;
    }

${found}`,
};

const DRAIN_PENDING: GlueChange = {
  where: 'const drainPendingValues = ',
  from: /const values = \[\];(\s*const hasPendingReadBuffer[^\n]*\n\s*const drainPendingValues = \(\) => \{\n)\s*count -= pendingValues\.drainInto\(values, count\);\n/,
  to: (_, between) => `let values = [];${between}        while (count > 0 && pendingValues.length > 0) {
          const drained = pendingValues.drain$(count);
          values = values.length === 0 ? drained : joined$(values, drained);
          count -= drained.length;
        }
`,
};

const DRAIN_CANCELLED: GlueChange = {
  where: 'pendingValues.drainInto(cancelValues',
  from: /const cancelValues = \[\];\s*pendingValues\.drainInto\(cancelValues, buffer\.remaining\(\)\);/,
  to: () => 'const cancelValues = pendingValues.drain$(buffer.remaining());',
};

/** Changes by which streams of bytes carry bytes. */
export const BYTE_STREAMS: readonly GlueChange[] = [
  BUFFER_NUMBER,
  NUMBER_TAKEN,
  MAY_BE_BYTES,
  SEEN,
  OF_THE_HOST,
  TO_THE_HOST,
  JOINED,
  DRAINED,
  DRAIN_PENDING,
  DRAIN_CANCELLED,
];
