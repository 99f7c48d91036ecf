import type { WitFunction } from '../../protocol/index.ts';
import { identifier } from './identifier.ts';
import type { TypeWriter } from './type-writer.ts';

/** A function as C declares it, without the semicolon; `before` stands before the names of its parameters. */
export function prototype(wit: WitFunction, name: string, types: TypeWriter, before = ''): string {
  const params = wit.params.map((param) => `${types.name(param.type)} ${before}${identifier(param.name)}`);
  const result = wit.result === null ? 'void' : types.name(wit.result);
  return `${result} ${name}(${params.length === 0 ? 'void' : params.join(', ')})`;
}
