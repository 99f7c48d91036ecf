import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, pack, packBuilt, projectSchema, readGrant } from '../../../guest-sdk/build/index.ts';
import { CloudletError, MEDIA_TYPES, writePackage } from '../../../guest-sdk/protocol/index.ts';

const packing = suite('packing a project');
const GRANT = { files: [{ path: '/data', from: 'assets' }], scratch: { path: '/tmp', bytes: 10, from: 'one.txt' } };

let folder: string;
let component: string;
packing.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-pack-'));
  component = join(folder, 'a.wasm');
  await writeFile(component, 'component');
  await mkdir(join(folder, 'assets', 'deep'), { recursive: true });
  await writeFile(join(folder, 'assets', 'b.txt'), 'B');
  await writeFile(join(folder, 'assets', 'deep', 'c.txt'), 'C');
  await writeFile(join(folder, 'one.txt'), 'one');
  await mkdir(join(folder, 'links'));
  await symlink('/etc/passwd', join(folder, 'links', 'passwd'));
  await symlink('assets', join(folder, 'linked'));
});
packing.after(() => rm(folder, { recursive: true }));

packing('takes the files that the grant names, under their paths', async () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const packed = await pack({ component, grant: GRANT, folder });
  const wanted = await writePackage({
    component: bytes('component'),
    grant: GRANT,
    files: [
      ['one.txt', bytes('one')],
      ['assets/b.txt', bytes('B')],
      ['assets/deep/c.txt', bytes('C')],
    ],
  });
  assert.is(packed.digest, wanted.digest);
  assert.equal(Buffer.concat(packed.pieces), Buffer.concat(wanted.pieces));
});

packing('makes nothing of a project that asks for nothing', async () => {
  assert.is(await packBuilt(folder, component), null);
  const project = { name: 'x', component: 'a.wasm' };
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
  assert.is(await packBuilt(folder, component), null);
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ ...project, ...GRANT }));
  assert.is((await packBuilt(folder, component))?.digest, (await pack({ component, grant: GRANT, folder })).digest);
  assert.equal(await readGrant(join(folder, 'cloudlet.json')), GRANT);
  // What is built already needs no tools, and stays where it is.
  const built = await build(folder);
  assert.equal([built.component, built.sizeBytes, built.project.grant], [component, 9, GRANT]);
});

for (const [name, from, sentence] of [
  ['what is not there', 'nowhere', 'the grant names "nowhere", and there is no file or folder '],
  ['a link', 'links/passwd', 'no links in a package, got one at "links/passwd"'],
  ['a folder with a link in it', 'links', 'no links in a package, got one at "links/passwd"'],
  ['a folder that is a link', 'linked', 'no links in a package, got one at "linked"'],
  ['a file behind a link', 'linked/b.txt', 'no links in a package, got one at "linked/b.txt"'],
] as const) {
  packing(`${name} is refused`, async () => {
    const error = await pack({ component, grant: { files: [{ path: '/x', from }] }, folder }).catch((thrown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'project-invalid');
    assert.ok((error as Error).message.includes(sentence), (error as Error).message);
  });
}

packing('the schema knows every key of a project file, and no other', () => {
  const schema = projectSchema() as {
    properties: Record<string, { properties?: object }>;
    additionalProperties: boolean;
  };
  assert.is(schema.additionalProperties, false);
  for (const key of ['name', 'entry', 'component', 'files', 'scratch', 'secrets', 'http', 'stores', 'limits']) {
    assert.ok(schema.properties[key], key);
  }
  assert.ok('memoryMib' in schema.properties['limits']!.properties!);
  assert.is(MEDIA_TYPES.grant, 'application/vnd.cloudlet.grant.v1+json');
});

packing.run();
