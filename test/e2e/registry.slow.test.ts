// end to end: foreign programs
// time limit: 600 s
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FunctionInfo, Published } from '../../guest-sdk/protocol/index.ts';
import { CliLab } from '../host/cli/cli-lab.ts';
import { openCutLink } from '../support/cut-link.ts';
import { guest } from '../support/guest.ts';
import { SeededRandom } from '../support/random.ts';

const registry = suite('skopeo and docker-registry');
const run = promisify(execFile);

let lab: CliLab;
let dockerRegistry: ChildProcess;
let docker: string;
let own: string;
let token: string;

registry.before(async () => {
  lab = await CliLab.open();
  await mkdir(join(lab.folder, 'reader', 'assets'), { recursive: true });
  await copyFile(await guest('cat'), join(lab.folder, 'reader', 'cat.wasm'));
  await writeFile(join(lab.folder, 'reader', 'assets', 'a.txt'), 'packaged\n');
  const project = { name: 'reader', component: 'cat.wasm', files: [{ path: '/data', from: 'assets' }] };
  await writeFile(join(lab.folder, 'reader', 'cloudlet.json'), JSON.stringify(project));
  const policy = { registries: { hosts: ['localhost:*'], privateNetworks: ['127.0.0.0/8'] } };
  await writeFile(join(lab.folder, 'policy.json'), JSON.stringify(policy));
  const host = lab.start(['serve', '--port', '0', '--sandbox', 'process', '--policy', join(lab.folder, 'policy.json')]);
  lab.environment['CLOUDLET_URL'] = await host.address();
  own = new URL(lab.environment['CLOUDLET_URL']!).host;
  token = (await readFile(join(lab.folder, 'data', 'owner-token'), 'utf8')).trim();
  docker = `localhost:${await freePort()}`;
  const config = join(lab.folder, 'registry.yml');
  const storage = { filesystem: { rootdirectory: join(lab.folder, 'registry') }, delete: { enabled: true } };
  await writeFile(config, JSON.stringify({ version: '0.1', storage, http: { addr: docker } }));
  dockerRegistry = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  for (;;) {
    const [line] = (await once(dockerRegistry.stderr!, 'data')) as [Buffer];
    if (line.toString().includes('listening on')) break;
  }
});
registry.after(async () => {
  const ended = once(dockerRegistry, 'exit');
  dockerRegistry.kill();
  await ended;
  await lab.close();
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const skopeo = async (...words: string[]): Promise<string> =>
  (await run('skopeo', words, { cwd: lab.folder, env: { ...lab.environment, XDG_RUNTIME_DIR: lab.folder } })).stdout;
const copy = (from: string, to: string) =>
  skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', from, to);
const json = <T>(text: string): T => JSON.parse(text) as T;
const published = async (...words: string[]): Promise<Published> => {
  const { status, text, errors } = await lab.run(['publish', ...words, '--json']);
  assert.is(status, 0, errors);
  return json<Published>(text);
};

registry(
  'a package goes from a file through the cloudlet and another registry, and is the same at its end',
  async () => {
    const packed = json<{ digest: string }>((await lab.run(['pack', 'reader', '-o', 'r.tar', '--json'])).text);
    await skopeo('login', '--tls-verify=false', '-u', 'me', '-p', token, own);
    const refused = await skopeo('login', '--tls-verify=false', '-u', 'me', '-p', 'wrong', own).catch(String);
    assert.match(refused, 'invalid username/password');
    await skopeo('login', '--tls-verify=false', '-u', 'me', '-p', token, own);
    await copy('oci-archive:r.tar', `docker://${own}/one:latest`);
    await copy(`docker://${own}/one:1`, `docker://${docker}/deep/name:v1`);
    const raw = await skopeo('inspect', '--tls-verify=false', '--raw', `docker://${docker}/deep/name:v1`);
    assert.equal(
      json<{ annotations: Record<string, string> }>(raw).annotations['org.opencontainers.image.title'],
      'reader',
    );
    for (const words of [
      [`oci://${docker}/deep/name:v1`],
      [`oci://${docker}/deep/name@${packed.digest}`, '--name', 'by-digest'],
      [`oci://${own}/one`, '--user', `x:${token}`, '--name', 'from-cloudlet'],
    ]) {
      const { name, digest } = await published(...words);
      assert.is(digest, packed.digest);
      assert.is((await lab.run(['invoke', name, '--', 'file', '/data/a.txt'])).text, 'packaged\n');
    }
    const tags = json<{ Tags: string[] }>(await skopeo('list-tags', '--tls-verify=false', `docker://${own}/one`));
    assert.equal(tags.Tags, ['1', 'latest']);
  },
);

registry('signatures go with a package, and hold at its end', async () => {
  const { fingerprint } = json<{ fingerprint: string }>(
    (await lab.run(['store', 'keys', 'new', 'key.jwk', '--json'])).text,
  );
  await lab.run(['store', 'keys', 'new', 'other.jwk']);
  for (const target of [`oci://${docker}/signed:v1`, `oci://${own}/signed-here`]) {
    const words = ['pack', 'reader', '--key', 'key.jwk', '--user', `x:${token}`, '--push', target, '--json'];
    const { status, text, errors } = await lab.run(words);
    assert.is(status, 0, errors);
    assert.equal(json<{ signers: string[] }>(text).signers, [fingerprint]);
    assert.is(json<{ sentBytes: number }>((await lab.run(words)).text).sentBytes, 0, 'nothing is sent twice');
  }
  await published(`oci://${docker}/signed:v1`);
  for (const name of ['signed', 'signed-here']) {
    const info = json<FunctionInfo>((await lab.run(['inspect', name, '--json'])).text);
    assert.equal(info.publisher, { fingerprint, trusted: true });
    const changed = await lab.run(['publish', 'reader', '--name', name, '--key', 'other.jwk']);
    assert.is(changed.status, 1);
    assert.match(changed.errors, new RegExp(`${fingerprint}.*npx cloudlet publisher accept ${name} `));
  }
  const [accept] = /publisher accept signed \S{43}/.exec(
    (await lab.run(['publish', 'reader', '--name', 'signed', '--key', 'other.jwk'])).errors,
  )!;
  assert.is((await lab.run(accept.split(' '))).status, 0);
  await writeFile(join(lab.folder, 'reader', 'assets', 'a.txt'), 'other\n');
  assert.is((await published('reader', '--name', 'signed', '--key', 'other.jwk')).version, 2);
  const back = await lab.run(['rollback', 'signed']);
  assert.is(back.status, 1, back.text);
  assert.match(back.errors, fingerprint);
});

/** A package of 12 MiB that nothing can make shorter. */
async function large(seed: number): Promise<number> {
  const bytes = new SeededRandom(seed).bytes(12 * 2 ** 20);
  await writeFile(join(lab.folder, 'reader', 'assets', 'large'), bytes);
  return bytes.length;
}

type PublishedBy = Published & { readonly pulledBy?: string; readonly sentBytes: number };

registry(
  'the host pulls it, over a link that breaks, too; this computer does where it is told to, or must',
  async () => {
    const bytes = await large(1);
    await lab.run(['pack', 'reader', '--push', `oci://${docker}/team/large:v1`]);
    const link = await openCutLink(Number(docker.split(':')[1]), { direction: 'back', afterBytes: 5e6, times: 2 });
    try {
      const words = [`oci://localhost:${link.port}/team/large:v1`];
      const pulled = (await published(...words)) as PublishedBy;
      assert.equal([pulled.pulledBy, pulled.created, link.cuts.times], ['host', true, 0]);
      assert.ok(pulled.sentBytes < 1000, `${pulled.sentBytes} bytes of it went through this computer`);
      assert.ok(link.passed.back <= bytes * 1.05, `${link.passed.back} of ${bytes} bytes came`);
      assert.is((await lab.run(['invoke', 'large', '--', 'file', '/data/a.txt'])).status, 0);
      link.passed.back = 0;
      const deployed = await lab.run(['deploy', ...words, '--name', 'deployed', '--json']);
      const { rung, stage } = json<{ rung: string; stage: string }>(deployed.text);
      assert.equal([rung, stage], ['pulled', 'ready'], deployed.errors);
      assert.ok(link.passed.back < 20_000, `${link.passed.back} bytes came of what is there`);
      const here = (await published(...words, '--name', 'here', '--pull', 'here')) as PublishedBy;
      assert.equal([here.pulledBy, here.digest], ['here', pulled.digest]);
    } finally {
      await link.close();
    }
    const elsewhere = await lab.run([
      'publish',
      `oci://127.0.0.1:${docker.split(':')[1]}/team/large:v1`,
      '--name',
      'other',
    ]);
    assert.is(elsewhere.status, 0, elsewhere.errors);
    assert.match(elsewhere.errors, /the host does not pull it .*does not name 127\.0\.0\.1/);
    assert.match(elsewhere.text, /pulled {3}here, and sent/);
    const strict = await lab.run(['publish', 'oci://images.example/x', '--pull', 'host']);
    assert.equal([strict.status, strict.text], [1, '']);
    assert.match(strict.errors, /does not name images\.example/);
  },
);

registry('a push over a link that breaks goes on in a cloudlet, and arrives in docker-registry', async () => {
  for (const [target, to, most] of [
    [Number(own.split(':')[1]), 'pushed', 1.05],
    // It gives up an upload that broke within a request.
    [Number(docker.split(':')[1]), 'team/pushed', 1.5],
  ] as const) {
    const bytes = await large(to.length);
    const link = await openCutLink(target, { direction: 'there', afterBytes: 5e6, times: 1 });
    try {
      const { status, errors } = await lab.run([
        ...['pack', 'reader', '--push', `oci://localhost:${link.port}/${to}:latest`, '--user', `x:${token}`],
      ]);
      assert.is(status, 0, errors);
      assert.is(link.cuts.times, 0);
      assert.ok(link.passed.there <= bytes * most, `${link.passed.there} of ${bytes} bytes went`);
    } finally {
      await link.close();
    }
  }
});

registry('an image is refused with the reason, both ways', async () => {
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  const digest = (await import('../support/package-lab.ts')).hexDigest(config);
  await mkdir(join(lab.folder, 'image'));
  await writeFile(join(lab.folder, 'image', digest), config);
  await writeFile(join(lab.folder, 'image', 'version'), 'Directory Transport Version: 1.1\n');
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${digest}`,
    size: config.length,
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor,
    layers: [],
  };
  await writeFile(join(lab.folder, 'image', 'manifest.json'), JSON.stringify(manifest));
  await copy('dir:image', `docker://${docker}/image:x`);
  assert.match(await copy('dir:image', `docker://${own}/image:x`).catch(String), /vnd\.wasm\.config|layers/);
  const pulled = await lab.run(['publish', `oci://${docker}/image:x`]);
  assert.is(pulled.status, 1);
  assert.match(pulled.errors, /layers|vnd\.wasm\.config/);
});

registry.run();
