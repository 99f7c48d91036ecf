import type { ExportPath } from '../artifact.ts';

/** `get-http2-body` as JavaScript writes it: `getHttp2Body`. The generator names functions and plain interfaces so. */
export function lowerCamel(kebab: string): string {
  const [first = '', ...rest] = kebab.toLowerCase().split('-');
  return first + rest.map(capital).join('');
}

/**
 * Where the generated glue puts a function of an exported interface in what `instantiate` returns.
 * Functions of resources hang on the resource's class.
 */
export function exportPath(interfaceName: string, functionName: string): ExportPath {
  // An interface with a package is listed under its full name too; the short name may be taken by something else.
  const key = interfaceName.includes(':') ? interfaceName : lowerCamel(interfaceName);
  const special = /^\[([a-z]+)\]([^.]+)(?:\.(.+))?$/.exec(functionName);
  if (special === null) return [key, lowerCamel(functionName)];
  const [, kind, resource = '', name = ''] = special;
  const className = resource.toLowerCase().split('-').map(capital).join('');
  if (kind === 'constructor') return [key, className];
  return kind === 'method' ? [key, className, 'prototype', lowerCamel(name)] : [key, className, lowerCamel(name)];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
