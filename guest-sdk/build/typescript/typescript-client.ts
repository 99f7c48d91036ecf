import { bindingName, CloudletError, checkCallable, type ExportInfo, parseType } from '../../protocol/index.ts';
import { typescriptType } from './typescript-type.ts';

/** What a client is generated for. */
export interface TypesSource {
  /** Name of the function: the default of the client's. */
  readonly name: string;
  /** Digest of the component or package, for the first line. */
  readonly digest: string;
  readonly exports: readonly ExportInfo[];
  /** Where `typedFunction` comes from; default `cloudlet/client`. */
  readonly module?: string;
}

/**
 * A TypeScript module with an interface of the function's exports and what calls them: `photo(client).thumbnail(…)` is checked by the compiler. The same
 * exports give the same text.
 */
export function typescriptClient({ name, digest, exports, module = 'cloudlet/client' }: TypesSource): string {
  const typeName = safeType(capital(bindingName(name)));
  const methods = methodNames(exports);
  const callable = exports.filter(isCallable);
  const uses = callable.some(({ params, result }) =>
    [...params.map(({ type }) => type), result ?? ''].some((type) => /\bresult\b/.test(type)),
  );
  const imported = ['type CloudletClient', 'type InvokeOptions', ...(uses ? ['type Result'] : []), 'typedFunction'];
  return [
    `// Made by \`cloudlet types\` for ${name}, ${digest}. Make it again instead of changing it.`,
    `import { ${imported.join(', ')} } from '${module}';`,
    '',
    `/** The exports of the function ${name}. */`,
    `export interface ${typeName} {`,
    ...exports.flatMap((each) => [
      `  /** \`${each.signature}\`${isCallable(each) ? '' : ': cannot be called over HTTP.'} */`,
      ...(isCallable(each) ? [`  ${methods.get(each)}(${parameters(each)}): Promise<${output(each.result)}>;`] : []),
    ]),
    '}',
    '',
    `/** The function on a cloudlet; \`name\` is the one that it was published under. */`,
    `export function ${safe(bindingName(name))}(client: Pick<CloudletClient, 'call'>, name = ${JSON.stringify(name)}): ${typeName} {`,
    `  return typedFunction<${typeName}>(client, name, EXPORTS);`,
    '}',
    '',
    'const EXPORTS = {',
    ...callable.map((each) => `  ${methods.get(each)}: ${described(each)},`),
    '};',
    '',
  ].join('\n');
}

/** Method names by export: the function's own, and its interface's before it where two share theirs. */
function methodNames(exports: readonly ExportInfo[]): Map<ExportInfo, string> {
  // An object with a method `then` is taken for a promise wherever it is awaited.
  const own = (each: ExportInfo) => bindingName(functionOf(each)).replace(/^then$/, 'then_');
  const taken = new Map<string, number>();
  for (const each of exports) taken.set(own(each), (taken.get(own(each)) ?? 0) + 1);
  return new Map(
    exports.map((each) => {
      const alone = taken.get(own(each)) === 1 || each.interface === null;
      return [each, alone ? own(each) : bindingName(`${shortInterface(each.interface!)}-${functionOf(each)}`)];
    }),
  );
}

/** `resize` of `images.resize` or `acme:photo/images@1.0.0.resize`; a name has no dot. */
function functionOf({ name }: ExportInfo): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function shortInterface(name: string): string {
  return name.replace(/^.*\//, '').replace(/@.*$/, '');
}

function isCallable({ name, params, result }: ExportInfo): boolean {
  const types = params.map(({ name: param, type }) => ({ name: param, type: parseType(type) }));
  const parsed = result === null ? null : parseType(result);
  try {
    checkCallable({ name, interface: null, function: name, params: types, result: parsed, async: false });
    return true;
  } catch (error) {
    if (error instanceof CloudletError && error.code === 'unsupported-type') return false;
    throw error;
  }
}

function parameters({ params }: ExportInfo): string {
  const own = params.map(({ name, type }) => `${safe(bindingName(name))}: ${typescriptType(parseType(type), 'input')}`);
  return [...own, 'options?: InvokeOptions'].join(', ');
}

function output(result: string | null): string {
  return result === null ? 'void' : typescriptType(parseType(result), 'output');
}

function described({ name, params, result }: ExportInfo): string {
  const fields = params.map((param) => `{ name: ${JSON.stringify(param.name)}, type: ${JSON.stringify(param.type)} }`);
  return `{ target: ${JSON.stringify(name)}, params: [${fields.join(', ')}], result: ${JSON.stringify(result)} }`;
}

const RESERVED = new Set(
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield client name options typedFunction'.split(
    ' ',
  ),
);

/** A name that may be that of a parameter or function. */
function safe(name: string): string {
  return RESERVED.has(name) ? `${name}_` : name;
}

/** Types that the client names itself: its own may not hide them. */
const USED_TYPES =
  /^(?:CloudletClient|InvokeOptions|Result|Promise|Pick|Record|ReadonlyArray|(?:Uint|Int|BigUint|BigInt|Float)\d+Array)$/;

/** A name that may be that of an interface. */
function safeType(name: string): string {
  return USED_TYPES.test(name) ? `${name}_` : name;
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
