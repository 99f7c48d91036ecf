import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createWasi, PROVIDED_INTERFACES, providesInterface, SUSPENDING_IMPORTS } from '../../../runtime/wasi/index.ts';
import { backend } from './backend.ts';

const interfaces = suite('interfaces');
const DRAFTS = new URL('../../../guest-sdk/wit/deps/', import.meta.url);
const DRAFT_PACKAGES = ['blobstore', 'config', 'keyvalue', 'logging'];
const WIT = new URL('../../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.2.12/', import.meta.url);

for (const [name, provided] of [
  ['wasi:io/streams@0.2.0', true],
  ['wasi:io/streams@0.2.6', true],
  ['wasi:http/types@0.2.12', true],
  ['wasi:sockets/tcp@0.2.3', true],
  ['wasi:io/streams@0.2.13', false],
  ['wasi:io/streams@0.2.012', false],
  ['wasi:io/streams@0.3.0', false],
  ['wasi:io/streams@0.2.0-rc-2023-11-10', false],
  ['wasi:io/streams', false],
  ['wasi:keyvalue/store@0.2.0-draft', true],
  ['wasi:keyvalue/store@0.2.0-draft2', true],
  ['wasi:keyvalue/atomics@0.2.0-draft2', true],
  ['wasi:keyvalue/batch@0.2.0-draft2', true],
  ['wasi:keyvalue/store@0.2.0', false],
  ['wasi:keyvalue/store@0.2.0-draft3', false],
  ['wasi:keyvalue/store@0.2.0-draft20', false],
  ['wasi:keyvalue/watcher@0.2.0-draft2', false],
  ['wasi:blobstore/blobstore@0.2.0-draft', true],
  ['wasi:blobstore/container@0.2.0-draft', true],
  ['wasi:blobstore/types@0.2.0-draft', true],
  ['wasi:blobstore/types@0.2.0-draft2', false],
  ['wasi:io/streams@0.2.0-draft', false],
  ['wasi:cli/run@0.2.0', false],
  ['wasi:config/store@0.2.0-rc.1', true],
  ['wasi:config/store@0.2.0', false],
  ['wasi:logging/logging@0.1.0-draft', true],
  ['wasi:logging/logging', false],
  ['__proto__@0.2.0', false],
  ['', false],
] as const) {
  interfaces(`${JSON.stringify(name)} is ${provided ? '' : 'not '}provided`, () => {
    assert.is(providesInterface(name), provided);
  });
}

interfaces('what is announced is what is there', () => {
  assert.equal(Object.keys(createWasi(backend()).imports).sort(), [...PROVIDED_INTERFACES].sort());
});

/** Resources that no call can make here, so that their methods are never reached. */
const NEVER_MADE = [
  'future-incoming-response',
  'incoming-response',
  'incoming-datagram-stream',
  'outgoing-datagram-stream',
  'resolve-address-stream',
  'tcp-socket',
  'udp-socket',
];

for (const file of ['io', 'cli', 'clocks', 'random', 'filesystem', 'http', 'sockets', ...DRAFT_PACKAGES]) {
  for (const { name, functions, resources } of witInterfaces(file)) {
    if (!PROVIDED_INTERFACES.includes(name)) continue;
    interfaces(`${name} has every function of its newest version`, () => {
      const provided = createWasi(backend()).imports[name]!;
      for (const each of functions) assert.type(provided[camel(each)], 'function', each);
      for (const [resource, members] of resources) {
        const Class = provided[pascal(resource)] as { prototype: object } & Record<string, unknown>;
        assert.type(Class, 'function', resource);
        if (NEVER_MADE.includes(resource)) continue;
        for (const { member, isStatic } of members) {
          const owner = (isStatic ? Class : Class.prototype) as Record<string, unknown>;
          assert.type(owner[camel(member)], 'function', `${resource}.${member}`);
        }
      }
    });
  }
}

interfaces('each suspending import is a function of WASI', () => {
  for (const name of SUSPENDING_IMPORTS) {
    const [, owner, file, kind, method] = /^(wasi:([a-z]+)\/.+)#(?:\[(method|static)\])?(.+)$/.exec(name)!;
    const wit = witInterfaces(file!).find((each) => each.name === owner)!;
    const [resource, member] = method!.split('.');
    const found =
      member === undefined
        ? kind === undefined && wit.functions.includes(method!)
        : wit.resources.get(resource!)!.some((each) => each.member === member && each.isStatic === (kind === 'static'));
    assert.ok(found, name);
  }
});

interface WitInterface {
  readonly name: string;
  readonly functions: string[];
  readonly resources: Map<string, { readonly member: string; readonly isStatic: boolean }[]>;
}

/** The interfaces of one of WASI's packages: the WIT is regular enough to be read line by line. */
function witInterfaces(folder: string): WitInterface[] {
  const found: WitInterface[] = [];
  let resource: string | null = null;
  const packages = DRAFT_PACKAGES.includes(folder) ? DRAFTS : WIT;
  for (const line of readFileSync(new URL(`wasi-${folder}/package.wit`, packages), 'utf8').split('\n')) {
    const named = /^interface ([a-z-]+) \{/.exec(line);
    if (named) found.push({ name: `wasi:${folder}/${named[1]}`, functions: [], resources: new Map() });
    const opened = /^\s+resource ([a-z-]+)( \{|;)/.exec(line);
    if (opened) {
      resource = opened[2] === ' {' ? opened[1]! : null;
      found.at(-1)!.resources.set(opened[1]!, []);
    }
    const member = /^(\s+)%?([a-z0-9-]+): (static )?func\(/.exec(line);
    if (member && resource === null) found.at(-1)!.functions.push(member[2]!);
    if (member && resource !== null) {
      found
        .at(-1)!
        .resources.get(resource)!
        .push({ member: member[2]!, isStatic: member[3] !== undefined });
    }
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

interfaces.run();
