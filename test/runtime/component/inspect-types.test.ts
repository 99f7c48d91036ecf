import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentNew } from '@bytecodealliance/jco';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { embedWorld } from '../../../guest-sdk/build/encode.ts';
import { inspectTypes } from '../../../runtime/component/inspect-types.ts';

const WIT = `package test:names@1.0.0;

interface shapes {
  record point { x: f64, y: f64 }
  enum color { red, green }
  type same-point = point;
  record item { at: point, color: color }
  paint: func(it: item, at: same-point) -> color;
}

world names {
  use shapes.{point};
  record mine { at: point }
  export shapes;
  export shift: func(start: point) -> mine;
}
`;

const types = suite('the types of exported functions');

types('have the names that their author gave them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-types-'));
  try {
    await writeFile(join(folder, 'world.wit'), WIT);
    const { functions, names } = inspectTypes(await componentNew(await embedWorld(null, { wit: folder }), []));
    const [shift, paint] = functions;
    assert.equal(
      functions.map((fn) => fn.name),
      ['shift', 'shapes.paint'],
    );
    const nameOf = (type: object | null | undefined) => [...names].find(([known]) => known === type)?.[1];
    assert.is(nameOf(shift?.params[0]?.type), 'point');
    assert.is(nameOf(shift?.result), 'mine');
    assert.is(nameOf(paint?.params[0]?.type), 'item');
    assert.is(nameOf(paint?.params[1]?.type), 'point');
    assert.is(nameOf(paint?.result), 'color');
  } finally {
    await rm(folder, { recursive: true });
  }
});

types('of imports come with their resources, of which each is one whatever its names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-types-'));
  try {
    const wit = `package a:b; interface s { resource r { f: func(); } } interface t { use s.{r as q}; g: func(x: borrow<q>) -> q; }
world w { import s; import t; }`;
    await writeFile(join(folder, 'w.wit'), wit);
    const { imports, handles } = inspectTypes(await componentNew(await embedWorld(null, { wit: folder }), []));
    assert.equal(
      imports.map(({ name, functions }) => [name, functions.map((each) => each.function)]),
      [
        ['a:b/s', ['[method]r.f']],
        ['a:b/t', ['g']],
      ],
    );
    const [s, t] = imports;
    assert.is(t?.resources.get('q'), s?.resources.get('r'));
    const [g] = t?.functions ?? [];
    assert.equal(handles.get(g!.params[0]!.type), { mode: 'borrow', resource: { interface: 'a:b/s', name: 'r' } });
    assert.equal(handles.get(g!.result!)?.mode, 'own');
  } finally {
    await rm(folder, { recursive: true });
  }
});

types('are refused for what is no component', () => {
  assert.throws(() => inspectTypes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)), /core module/);
  assert.throws(() => inspectTypes(Uint8Array.of(1, 2, 3)), /WebAssembly/);
});

types.run();
