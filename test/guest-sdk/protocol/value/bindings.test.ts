import { componentEmbed, componentNew } from '@bytecodealliance/jco';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bindingName, describeExport, digestOfHex, type WitType } from '../../../../guest-sdk/protocol/index.ts';
import { NUMERIC_ARRAYS } from '../../../../guest-sdk/protocol/value/numeric-list.ts';
import { hasTag } from '../../../../guest-sdk/protocol/value/option-shape.ts';
import { inspectComponent } from '../../../../runtime/component/index.ts';
import { transpile } from '../../../../runtime/component/transpile.ts';

const NAMES = ['field-a1', 'a2b-c3', 'HTTP-server', 'x-H2O-y3', 'default', 'class', '%constructor', 'to-JSON'];
const OPTIONS = 4;
const WIT = `package test:shapes;
interface shapes {
  record names { ${NAMES.map((name) => `${name}: u8`).join(', ')} }
  flags switches { ${NAMES.map((name) => `f-${name.replace('%', '')}`).join(', ')} }
  rename: func(names: names) -> names;
  switch: func(switches: switches) -> switches;
  ${Object.keys(NUMERIC_ARRAYS)
    .map((kind) => `list-${kind}: func(values: list<${kind}>) -> list<${kind}>;`)
    .join('\n')}
  ${Array.from({ length: OPTIONS }, (_, depth) => `option${depth}: func() -> ${'option<'.repeat(depth + 1)}u8${'>'.repeat(depth + 1)};`).join('\n')}
}
world w { export shapes; }`;

const bindings = suite('values as the pinned bindings take and give them');
let glue: string;
let component: Uint8Array;

bindings.before(async () => {
  component = await componentNew(await componentEmbed({ witSource: WIT, dummy: true }));
  ({ glue } = await transpile(component, digestOfHex('0'.repeat(64))));
});

/** The source of one function of the glue. */
function source(name: string): string {
  const start = glue.indexOf(`function ${name}(`);
  assert.ok(start >= 0, `the glue has no function ${name}`);
  const length = glue.slice(start + 1).search(/\n\s+(?:async )?function /);
  return glue.slice(start, length < 0 ? undefined : start + length);
}

bindings('fields and flags have the names that bindingName gives', () => {
  const plain = NAMES.map((name) => name.replace('%', ''));
  for (const name of plain) assert.match(source('rename'), new RegExp(`\\b${bindingName(name)}: v0_`));
  for (const name of plain) assert.match(source('_switch'), new RegExp(`\\.${bindingName(`f-${name}`)}\\)`));
});

for (const [kind, TypedArray] of Object.entries(NUMERIC_ARRAYS)) {
  bindings(`list<${kind}> is ${TypedArray.name}`, () => {
    assert.match(
      source(bindingName(`list-${kind}`)),
      new RegExp(`new ${TypedArray.name}\\(memory\\d+\\.buffer\\.slice`),
    );
  });
}

for (let depth = 0; depth < OPTIONS; depth += 1) {
  bindings(`of ${depth + 1} options within one another, those have a tag of which hasTag says so`, () => {
    let type: WitType = { kind: 'u8' };
    let tagged = 0;
    for (let level = 0; level <= depth; level += 1) {
      if (hasTag(type)) tagged += 1;
      type = { kind: 'option', some: type };
    }
    assert.is(source(`option${depth}`).match(/tag: 'some'/g)?.length ?? 0, tagged);
    assert.is(source(`option${depth}`).match(/= undefined/g)?.length ?? 0, depth + 1 - tagged);
  });
}

bindings('an export is described as WIT writes it', () => {
  const { functions } = inspectComponent(component);
  assert.equal(describeExport(functions.find((fn) => fn.name === 'shapes.option1')!), {
    name: 'shapes.option1',
    signature: 'shapes.option1: func() -> option<option<u8>>',
    interface: 'test:shapes/shapes',
    params: [],
    result: 'option<option<u8>>',
  });
});

bindings.run();
