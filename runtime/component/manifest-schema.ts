/** The manifest of an artifact as it is read back: from the confined child, which may have been subverted, or from the disk. */
import * as v from 'valibot';
import type { WitCase, WitField, WitFunction, WitType } from '../../guest-sdk/protocol/index.ts';
import { Door, parseDigest } from '../../guest-sdk/protocol/index.ts';
import type { ArtifactManifest } from './artifact.ts';

const PRIMITIVES = [
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'f32',
  'f64',
  'char',
  'string',
] as const;

const Type: v.GenericSchema<WitType> = v.lazy(() =>
  v.variant('kind', [
    v.strictObject({ kind: v.picklist(PRIMITIVES) }),
    v.strictObject({ kind: v.literal('list'), element: Type }),
    v.strictObject({ kind: v.literal('tuple'), elements: v.array(Type) }),
    v.strictObject({ kind: v.literal('record'), fields: v.array(Field) }),
    v.strictObject({ kind: v.literal('variant'), cases: v.array(Case) }),
    v.strictObject({ kind: v.literal('enum'), cases: v.array(v.string()) }),
    v.strictObject({ kind: v.literal('flags'), names: v.array(v.string()) }),
    v.strictObject({ kind: v.literal('option'), some: Type }),
    v.strictObject({ kind: v.literal('result'), ok: v.nullable(Type), err: v.nullable(Type) }),
    v.strictObject({ kind: v.literal('unsupported'), what: v.string() }),
  ]),
);
const Field: v.GenericSchema<WitField> = v.strictObject({ name: v.string(), type: Type });
const Case: v.GenericSchema<WitCase> = v.strictObject({ name: v.string(), type: v.nullable(Type) });
const Callable: v.GenericSchema<WitFunction> = v.strictObject({
  name: v.string(),
  interface: v.nullable(v.string()),
  function: v.string(),
  params: v.array(Field),
  result: v.nullable(Type),
  async: v.boolean(),
});
const Path = v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(4));
const Traits = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^component\.core[0-9]{0,4}\.wasm$/)),
  metered: v.boolean(),
  startExported: v.boolean(),
  instances: v.number(),
  tableElements: v.number(),
  memoryPages: v.number(),
  mutatesTables: v.boolean(),
  dropsSegments: v.boolean(),
  growsMemory: v.boolean(),
  resettable: v.boolean(),
});

const Manifest = v.strictObject({
  format: v.literal(1),
  component: v.pipe(v.string(), v.transform(parseDigest)),
  tools: v.string(),
  doors: v.array(Door),
  asynchronous: v.boolean(),
  imports: v.array(v.string()),
  functions: v.array(v.strictObject({ wit: Callable, path: Path })),
  run: v.nullable(Path),
  http: v.nullable(Path),
  modules: v.array(Traits),
});

/** Checks the shape of a manifest; throws valibot's `ValiError` when it has another. */
export function parseManifest(value: unknown): ArtifactManifest {
  return v.parse(Manifest, value);
}
