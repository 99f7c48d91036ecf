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

types('are refused for what is no component', () => {
  assert.throws(() => inspectTypes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)), /core module/);
  assert.throws(() => inspectTypes(Uint8Array.of(1, 2, 3)), /WebAssembly/);
});

types.run();
