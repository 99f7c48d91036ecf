import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROVIDED_INTERFACES_3, p3Interfaces, providesInterface } from '../../../../runtime/wasi/index.ts';
import { seatWith } from './guest-parts.ts';

const interfaces = suite('interfaces of WASI 0.3');
const WIT = new URL('../../../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.3.0/', import.meta.url);

for (const [name, provided] of [
  ['wasi:http/types@0.3.0', true],
  ['wasi:cli/stdin@0.3.0', true],
  ['wasi:http/types@0.3.1', false],
  ['wasi:http/types@0.3.0-rc-2026-03-15', false],
  ['wasi:clocks/wall-clock@0.3.0', false],
  ['wasi:io/streams@0.3.0', false],
  ['wasi:http/handler@0.3.0', false],
  ['wasi:clocks/timezone@0.3.0', false],
] as const) {
  interfaces(`${name} is ${provided ? '' : 'not '}provided`, () => assert.is(providesInterface(name), provided));
}

/** Interfaces of types alone: nobody calls them. */
const ONLY_TYPES = ['wasi:cli/types'];

interfaces('what is announced is what is there', () => {
  const there = Object.keys(p3Interfaces(seatWith())).map((name) => name.replace(/@0\.3$/, ''));
  assert.equal([...there, ...ONLY_TYPES].sort(), [...PROVIDED_INTERFACES_3].sort());
});

const camel = (kebab: string) => kebab.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const pascal = (kebab: string) => camel(`-${kebab}`);

for (const name of ['cli', 'clocks', 'random', 'filesystem', 'http', 'sockets']) {
  const text = readFileSync(new URL(`wasi-${name}/package.wit`, WIT), 'utf8').replaceAll(/\/\/[^\n]*/g, '');
  for (const [, short, body] of text.matchAll(/^interface ([\w-]+) \{\n([\s\S]*?)^\}/gm)) {
    const full = `wasi:${name}/${short}`;
    if (!PROVIDED_INTERFACES_3.includes(full) || ONLY_TYPES.includes(full)) continue;
    interfaces(`${full} has every function`, () => {
      const there = p3Interfaces(seatWith())[`${full}@0.3`]!;
      const resources = [...body!.matchAll(/^\s*resource ([\w-]+) \{\n([\s\S]*?)^ {2,4}\}/gm)];
      const rest = resources.reduce((left, [whole]) => left.replace(whole!, ''), body!);
      for (const [, fn] of rest.matchAll(/^\s*([\w-]+): (?:async )?func\(/gm))
        assert.type(there[camel(fn!)], 'function', fn);
      for (const [, resource, members] of resources) {
        const Class = there[pascal(resource!)] as { prototype: Record<string, unknown> } & Record<string, unknown>;
        assert.type(Class, 'function', resource);
        for (const [, fn, isStatic] of members!.matchAll(/^\s*([\w-]+): (static )?(?:async )?func\(/gm)) {
          assert.type((isStatic === undefined ? Class.prototype : Class)[camel(fn!)], 'function', `${resource}.${fn}`);
        }
      }
    });
  }
}

interfaces.run();
