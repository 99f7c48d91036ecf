import { readdirSync, readFileSync } from 'node:fs';

const WIT = new URL('../../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.2.12/', import.meta.url);

/**
 * Every function that a guest can import from WASI 0.2, as JavaScript names it: `wasi:io/streams InputStream.blockingRead`. The WIT is regular enough
 * to be read line by line.
 */
export function wasiFunctions(): string[] {
  return readdirSync(WIT).flatMap((folder) => functionsOf(readFileSync(new URL(`${folder}/package.wit`, WIT), 'utf8')));
}

function functionsOf(text: string): string[] {
  const found: string[] = [];
  const packageName = /^package (wasi:[a-z]+)@/m.exec(text)![1]!;
  let owner = '';
  let resource: string | null = null;
  for (const line of text.split('\n')) {
    const named = /^interface ([a-z-]+) \{/.exec(line);
    if (named !== null) owner = `${packageName}/${named[1]}`;
    const opened = /^\s+resource ([a-z-]+) \{/.exec(line);
    if (opened !== null) resource = pascal(opened[1]!);
    const member = /^\s+%?([a-z0-9-]+): (?:static )?func\(/.exec(line);
    if (member !== null) found.push(`${owner} ${resource === null ? '' : `${resource}.`}${camel(member[1]!)}`);
    if (resource !== null && /^\s+constructor\(/.test(line)) found.push(`${owner} ${resource}.constructor`);
    if (/^ {2,4}\}/.test(line)) resource = null;
  }
  return found;
}

function camel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(name: string): string {
  return camel(`-${name}`);
}
