// end to end
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentOf, cutIntoParts } from '../../guest-sdk/client/index.ts';
import {
  type Deployment,
  type DeploymentRequestInput,
  type Digest,
  type Part,
  parseDeploymentRequest,
  parseName,
  writePackage,
} from '../../guest-sdk/protocol/index.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab } from '../support/cloudlet-lab.ts';
import { SeededRandom } from '../support/random.ts';
import { NEVER, once, sha256 } from './provision/deployment/deployments-lab.ts';

const deploy = suite('functions are deployed by the cheapest rung');

let lab: CloudletLab;
let server: Server;
let origin = '';
const served = new Map<string, Uint8Array>();
deploy.before(async () => {
  lab = await openLab({ policy: { privateNetworks: ['127.0.0.0/8'] } });
  server = createServer((request, response) => {
    const bytes = served.get(request.url ?? '');
    if (request.url === '/moved') response.writeHead(302, { location: '/typed.wasm' }).end();
    else if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
deploy.after(async () => {
  await lab.close();
  server.close();
});

async function pieces(bytes: Uint8Array): Promise<{ readonly parts: Part[]; readonly bytes: Map<Digest, Uint8Array> }> {
  const found = new Map<Digest, Uint8Array>();
  const held = await cutIntoParts(contentOf(bytes));
  for (const { digest } of held.parts) found.set(digest, await held.read(digest));
  return { parts: [...held.parts], bytes: found };
}

/** Asks, sends what is missing, and waits for the end. */
async function deployed(
  request: DeploymentRequestInput,
  held: ReadonlyMap<Digest, Uint8Array> = new Map(),
): Promise<Deployment & { readonly sentBytes: number; readonly falls: readonly string[] }> {
  const { deployments } = lab.cloudlet;
  const { deployment, missing } = await deployments.ask(parseDeploymentRequest(request));
  let sentBytes = 0;
  for (const { digest, bytes } of missing) {
    await deployments.part(deployment.id, digest, once(held.get(digest)!), NEVER);
    sentBytes += bytes;
  }
  const falls: string[] = [];
  for await (const { event, data } of deployments.events(deployment.id))
    if (event === 'rung') falls.push(`${data.from} → ${data.rung}: ${data.problem.code}`);
  return { ...deployments.get(deployment.id), sentBytes, falls };
}

deploy('pushed whole, then known, then running', async () => {
  const component = await guestBytes('typed');
  const { parts, bytes } = await pieces(component);
  const want = { function: 'typed', digest: sha256(component), parts };
  const first = await deployed({ want }, bytes);
  assert.equal(
    [first.rung, first.stage, first.sentBytes, first.address, first.published?.version],
    ['package', 'ready', component.length, '/v1/functions/typed', 1],
  );
  const call = await lab.cloudlet.call(parseName('typed'), 'add', [1, 2], {
    argumentFormat: 'json',
    resultFormat: 'json',
  });
  assert.is(call.value, 3);
  const again = await deployed({ want });
  assert.equal([again.rung, again.stage, again.address], ['running', 'ready', '/v1/functions/typed']);
  const other = await deployed({ want: { ...want, function: 'typed-too' } });
  assert.equal([other.rung, other.stage, other.published?.digest], ['cached', 'ready', want.digest]);
  assert.is((await deployed({ want: { function: 'typed' } })).stage, 'ready', 'by its name alone');
});

deploy('of a new version only what changed is sent', async () => {
  const files = new SeededRandom(3).bytes(2 * 1024 ** 2);
  const packed = async (file: Uint8Array) => {
    const component = await guestBytes('typed');
    const written = await writePackage({
      component,
      grant: { files: [{ path: '/data', from: 'data' }] },
      files: [['data/model.bin', file]],
    });
    return { digest: written.digest, bytes: Buffer.concat(written.pieces) };
  };
  const [one, two] = [await packed(files), await packed(Buffer.concat([files.subarray(0, 10), files]))];
  await lab.cloudlet.publish(parseName('packed'), bodyOf(one.bytes));
  const { parts, bytes } = await pieces(two.bytes);
  const end = await deployed({ want: { function: 'packed', digest: two.digest, parts } }, bytes);
  assert.equal([end.rung, end.stage, end.published?.version], ['difference', 'ready', 2], end.problem?.detail);
  assert.ok(end.sentBytes < two.bytes.length / 4, `${end.sentBytes} of ${two.bytes.length} bytes were sent`);
  assert.is((await deployed({ want: { function: 'packed-too', digest: two.digest } })).rung, 'cached');
});

deploy('fetched from where the wish says, its digest compared, and what is at hand when that fails', async () => {
  const component = await guestBytes('cat');
  served.set('/cat.wasm', component);
  served.set('/typed.wasm', await guestBytes('typed'));
  const digest = sha256(component);
  const pulled = await deployed({ want: { function: 'cat', digest, from: `${origin}/cat.wasm` } });
  assert.equal([pulled.rung, pulled.stage], ['pulled', 'ready'], pulled.problem?.detail);
  assert.is((await deployed({ want: { function: 'moved', from: `${origin}/moved` } })).stage, 'ready');

  const late = await guestBytes('late');
  const { parts, bytes } = await pieces(late);
  for (const from of [`${origin}/none`, `${origin}/cat.wasm`]) {
    const want = { function: 'late', digest: sha256(late), parts, from };
    const { deployments } = lab.cloudlet;
    const { deployment, missing } = await deployments.ask(parseDeploymentRequest({ want }));
    assert.equal([deployment.rung, missing], ['pulled', []]);
    let next = '';
    for await (const { event, data } of deployments.events(deployment.id)) {
      if (event !== 'rung') continue;
      next = `${data.from} → ${data.rung}: ${data.problem.code}`;
      for (const part of deployments.wanted(deployment.id).wanted)
        await deployments.part(deployment.id, part, once(bytes.get(part)!), NEVER);
    }
    assert.match(next, /^pulled → package: (network-unavailable|body-truncated)$/);
    const { stage, rung } = deployments.get(deployment.id);
    assert.equal([rung, stage], ['package', 'ready']);
    await lab.cloudlet.remove(parseName('late'));
  }
});

deploy('a host that the policy does not allow is not asked', async () => {
  const strict = await openLab();
  try {
    const want = { function: 'cat', from: `${origin}/cat.wasm` };
    const { deployment } = await strict.cloudlet.deployments.ask(parseDeploymentRequest({ want }));
    for await (const _ of strict.cloudlet.deployments.events(deployment.id));
    const { problem } = strict.cloudlet.deployments.get(deployment.id);
    assert.is(problem?.code, 'network-unavailable');
    assert.match(problem!.detail, /functions may not reach/);
  } finally {
    await strict.close();
  }
});

deploy('bytes that are no component fail, and leave no function', async () => {
  const { parts, bytes } = await pieces(new Uint8Array(100));
  const end = await deployed({ want: { function: 'nothing', parts } }, bytes);
  assert.equal([end.stage, end.problem?.code], ['failed', 'component-refused']);
  assert.not((await lab.cloudlet.functions()).some(({ name }) => name === 'nothing'));
});

deploy.run();
