import {
  asCloudletError,
  CloudletError,
  decodeArguments,
  encodeResult,
  readBindingValue,
  type ValueFormat,
  type WitFunction,
  writeBindingValue,
} from '../../guest-sdk/protocol/index.ts';

/** The input of a typed call: plain data, checked against the WIT types and written as the agent takes it. Asks no sandbox. */
export function typedInput(fn: WitFunction, args: unknown, format: ValueFormat, limitBytes: number): Uint8Array {
  const input = writeBindingValue(decodeArguments(fn, args, format));
  if (input.length <= limitBytes) return input;
  throw new CloudletError(
    'argument-invalid',
    `expected arguments of at most ${limitBytes} bytes, got ${input.length}; send large data through a run or http door`,
  );
}

/** The result of a typed call as plain data, from the agent's bytes, which may be a hostile guest's. */
export function typedResult(fn: WitFunction, output: Uint8Array, format: ValueFormat, limitBytes: number): unknown {
  return encodeResult(fn, bindingValueOf(output), format, limitBytes);
}

function bindingValueOf(output: Uint8Array): unknown {
  try {
    return readBindingValue(output);
  } catch (error) {
    throw new CloudletError(
      'guest-response-invalid',
      `the function's result cannot be read: ${asCloudletError(error).message}`,
      {
        cause: error,
      },
    );
  }
}
