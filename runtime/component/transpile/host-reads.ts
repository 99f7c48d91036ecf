import type { GlueChange } from './glue-change.ts';

/** Who waits for an event by a function and not by a promise. */
const HEAR: GlueChange = {
  where: 'heard$() {',
  from: /^ *heard\$\(\) \{\n/m,
  to: (found) => `    hear$(then) {
      const before = this.#heard$;
      this.#heard$ = before === null ? then : () => { before(); then(); };
    }
${found}`,
};

/** Two asynchronous functions around a read that is one. */
const READ_OF_STREAM: GlueChange = {
  where: 'class Stream {',
  from: /async read\(opts\) \{(?=[\s;]*if \(!this\.#isReadable\))/,
  to: () => 'read(opts) {',
};

const READ_FN: GlueChange = {
  from: /readFn: async \(opts\) => \{\s*return await streamEnd\.read\(opts\);\s*\}/g,
  to: () => 'readFn: (opts) => streamEnd.read(opts)',
  anyTimes: true,
};

/**
 * A read of the host that comes alone has one promise, its result's. It takes its event a microtask after that came, as before: what a guest writes
 * meanwhile is read with it.
 */
const READ_ALONE: GlueChange = {
  where: 'class StreamReadableEnd',
  from: /^ *async read\(opts = 1\) \{\n/m,
  to: () => `  read(opts = 1) {
    if (this.#result !== null || this.#endOfStream) { return this.readInTurn$(opts); }
    const { count: asked, rejectLength, dropAfterCopy } = this.#readOpts(opts);
    const count = Math.min(asked, ManagedBuffer.MAX_LENGTH);
    const reading = promiseWithResolvers();
    this.#result = reading;
    const fail = (err) => {
      this.#result = null;
      reading.reject(err);
    };
    try {
      const { id: bufferID, buffer } = BUFFER_MGR.createBuffer({ componentIdx: -1, count, elemMeta: this.#elemMeta, data: [] });
      const settle = (packed) => {
        const transferred = packed >> 4;
        if ((packed & 0xF) === StreamEnd.CopyResult.DROPPED) { this.#endOfStream = true; }
        const result = { value: undefined, done: transferred === 0 };
        if (transferred > 0) {
          const values = buffer.read(transferred);
          const { typedArray } = this.#elemMeta;
          if (typedArray === undefined) { result.value = count === 1 ? values[0] : values; }
          else { result.value = values instanceof typedArray ? values : new typedArray(values); }
        }
        if (this.#rejectedLength !== null) {
          result.rejectedLength = this.#rejectedLength;
          this.#rejectedLength = null;
        }
        this.#result = null;
        reading.resolve(result);
      };
      const take = () => {
        try {
          const event = this.getPendingEvent();
          if (event === null || event.code !== ASYNC_EVENT_CODE.STREAM_READ || event.payload1 === ASYNC_BLOCKED_CODE) {
            throw new Error('expected the event of a stream that the host reads');
          }
          if (event.rejectedLength !== undefined) { this.#rejectedLength = event.rejectedLength; }
          settle(event.payload1);
        } catch (err) {
          fail(err);
        }
      };
      const packed = this.copy({
        isAsync: true, count, bufferID, buffer, eventCode: ASYNC_EVENT_CODE.STREAM_READ, componentIdx: -1, rejectLength, dropAfterCopy,
      });
      if (packed !== ASYNC_BLOCKED_CODE) { settle(packed); }
      else if (this.hasPendingEvent()) { void done$.then(take); }
      else { this.getWaitable().hear$(() => void done$.then(take)); }
    } catch (err) {
      fail(err);
    }
    return reading.promise;
  }

  async readInTurn$(opts = 1) {
`,
};

/** The same for a future. */
const READ_FUTURE: GlueChange = {
  where: 'class FutureReadableEnd',
  from: /async hostRead\(args\) \{[\s\S]*?return \{ value: vs\[0\] \};\s*\}\n/,
  to: () => `hostRead(args) {
    return new Promise((resolve, reject) => {
      const { buffer } = this.guestRead({ stringEncoding: args.stringEncoding, isAsync: true, data: [], componentIdx: -1 });
      const take = () => {
        try {
          const { code, payload0: index } = this.getPendingEvent();
          if (code !== ASYNC_EVENT_CODE.FUTURE_READ || index !== this.waitableIdx()) {
            throw new Error('expected the event of a future that the host reads');
          }
          resolve({ value: buffer.read(1)[0] });
          forgetEnd$(FUTURE_TABLES, this.futureTableIdx(), this);
        } catch (err) {
          reject(err);
        }
      };
      if (this.hasPendingEvent()) { take(); return; }
      this.setCopyState(FutureEnd.CopyState.ASYNC_COPYING);
      this.getWaitable().hear$(() => void done$.then(take));
    });
  }
`,
};

/** An end that a guest gave to the host stayed in the guest's tables, with all that it sees, for as long as its instance. Now until the host is done with it. */
const DROPPED_STREAM: GlueChange = {
  from: /streamEnd\.drop\(\{ allowPendingEvent: true \}\)/g,
  to: (found) => `(forgetEnd$(STREAM_TABLES, streamEnd.streamTableIdx(), streamEnd), ${found})`,
  anyTimes: true,
};

/** Changes by which the host reads streams and futures of guests with a promise for each. */
export const HOST_READS: readonly GlueChange[] = [
  HEAR,
  READ_OF_STREAM,
  READ_FN,
  READ_ALONE,
  READ_FUTURE,
  DROPPED_STREAM,
];
