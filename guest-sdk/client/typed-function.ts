import {
  CloudletError,
  decodeArguments,
  encodeResult,
  type FunctionName,
  parseName,
  parseType,
  type WitFunction,
  type WitType,
} from '../protocol/index.ts';
import type { CloudletClient } from './client.ts';
import type { InvokeOptions } from './invocation.ts';

/** An exported function as a generated client names it: where it is called, and its WIT types as text. */
export interface TypedExport {
  /** What `/call/{export}` takes. */
  readonly target: string;
  readonly params: readonly { readonly name: string; readonly type: string }[];
  /** Null when it returns nothing. */
  readonly result: string | null;
}

/** The outcome of a function that may fail: WIT's `result`. */
export type Result<Ok, Err> = { readonly tag: 'ok'; readonly val: Ok } | { readonly tag: 'err'; readonly val: Err };

/**
 * The exports of a function as methods that take and give values as its own bindings do: records with camelCase fields, bytes as `Uint8Array`,
 * 64-bit integers as bigint, an option that is none as undefined, a `result` as `{tag, val}`. After the parameters a method takes `InvokeOptions`.
 * `Methods` is what `cloudlet types` wrote for it. An argument that does not fit its type is `argument-invalid` before anything is sent; so is a
 * result that does not: `guest-response-invalid`, as when another version is there now.
 */
export function typedFunction<Methods>(
  client: Pick<CloudletClient, 'call'>,
  name: string,
  exports: Readonly<Record<keyof Methods & string, TypedExport>>,
): Methods {
  const fn = parseName(name);
  const methods = Object.entries<TypedExport>(exports).map(([method, described]) => [
    method,
    methodOf(client, fn, described),
  ]);
  return Object.freeze(Object.fromEntries(methods)) as Methods;
}

/** Longest value of one argument as text, bytes: beyond it the cloudlet refuses the call, whatever its limits. */
const MAX_ARGUMENT_BYTES = 256 * 1024 * 1024;

function methodOf(client: Pick<CloudletClient, 'call'>, name: FunctionName, described: TypedExport) {
  let types: { readonly params: readonly WitType[]; readonly result: WitType | null } | undefined;
  return async (...words: readonly unknown[]): Promise<unknown> => {
    types ??= {
      params: described.params.map(({ type }) => parseType(type)),
      result: described.result === null ? null : parseType(described.result),
    };
    const { params, result } = types;
    const args = params.map((type, index) => plainOf(type, words[index], described.params[index]!.name));
    const answer = await client.call(name, described.target, args, words[params.length] as InvokeOptions | undefined);
    return result === null ? undefined : bindingValueOf(result, answer, described.target);
  };
}

function plainOf(type: WitType, value: unknown, parameter: string): unknown {
  try {
    return encodeResult(returning(type), value, 'json', MAX_ARGUMENT_BYTES);
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
    const why = error.message.replace(/^.* at \$/, `${parameter}`);
    throw new CloudletError('argument-invalid', why, { cause: error });
  }
}

function bindingValueOf(type: WitType, plain: unknown, target: string): unknown {
  try {
    return decodeArguments(taking(type), [plain], 'json')[0];
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
    const sentence = `the result of ${target} is not of the type that this client was generated for (${error.message}); run cloudlet types again`;
    throw new CloudletError('guest-response-invalid', sentence, { cause: error });
  }
}

const BARE = { name: 'value', interface: null, function: 'value', async: false } as const;

function returning(type: WitType): WitFunction {
  return { ...BARE, params: [], result: type };
}

function taking(type: WitType): WitFunction {
  return { ...BARE, params: [{ name: 'value', type }], result: null };
}
