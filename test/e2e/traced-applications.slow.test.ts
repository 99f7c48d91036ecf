// time limit: 1800 s
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../guest-sdk/build/index.ts';
import type { GrantRequest } from '../../guest-sdk/protocol/index.ts';
import { CliLab } from '../host/cli/cli-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

const traced = suite('what a trace grants to a real program with its data');
let lab: CliLab;

traced.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
});
traced.after(() => lab.close());

for (const { name, sample, args, guest, data } of [
  { name: 'speak', sample: 'sample.txt', args: ['rms'], guest: '/voices', data: 'build/voices' },
  { name: 'hear', sample: 'sample.wav', args: [], guest: '/model', data: 'build/model' },
])
  traced(`${name} gives the same bytes with the traced grant as with the one that was written`, async () => {
    const example = join(EXAMPLES, name);
    const { component, project: written } = await build(example, { cache: TEST_CACHE });
    const input = await readFile(join(example, sample));
    const words = args.length === 0 ? [] : ['--', ...args];
    const output = async (fn: string): Promise<Buffer> => {
      const { status, stdout, errors } = await lab.run(['invoke', fn, ...words], { input });
      assert.is(status, 0, errors);
      return stdout;
    };
    const published = async (what: string, fn: string): Promise<void> => {
      const { status, errors } = await lab.run(['publish', what, '--name', fn]);
      assert.is(status, 0, errors);
    };
    const made = async (folder: string, grant: GrantRequest): Promise<string> => {
      const project = join(lab.folder, folder);
      await mkdir(project);
      await copyFile(component, join(project, `${name}.wasm`));
      await writeFile(join(project, 'cloudlet.json'), JSON.stringify({ name, component: `${name}.wasm`, ...grant }));
      return project;
    };
    const own = await made(`${name}-written`, written.grant);
    await cp(join(example, data), join(own, data), { recursive: true });
    await published(own, `${name}-written`);

    // A project that asks for nothing: all that it has afterwards is what the trace saw.
    const project = await made(name, {});
    await published(project, `${name}-none`);
    assert.is.not((await lab.run(['invoke', `${name}-none`, ...words], { input })).status, 0, 'its data is missed');
    const trace = ['trace', project, '--write', '--dir', `${join(example, data)}:${guest}`, '--input', '-', ...words];
    const seen = await lab.run(trace, { input });
    assert.is(seen.status, 0, seen.errors);
    const { files = [] } = JSON.parse(await readFile(join(project, 'cloudlet.json'), 'utf8')) as GrantRequest;
    assert.ok(files.length > 0 && files.every(({ path }) => path.startsWith(guest)), JSON.stringify(files));

    await published(project, `${name}-traced`);
    const expected = await output(`${name}-written`);
    assert.ok(expected.length > 0);
    assert.is(Buffer.compare(await output(`${name}-traced`), expected), 0, 'to the last byte');
  });

traced.run();
