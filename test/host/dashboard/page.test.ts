import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Deployment,
  emptyGrant,
  type FunctionInfo,
  type RecentInvocation,
  type SandboxInfo,
  type ServiceInfo,
  type Status,
} from '../../../guest-sdk/protocol/index.ts';
import { createApp } from '../../../host/app.ts';
import { dashboard } from '../../../host/dashboard/index.ts';
import { pictureTargets } from '../../../host/dashboard/picture-panel.ts';
import { formatBytes, formatDuration } from '../../../host/dashboard/quantity.ts';
import { serviceSpec } from '../../support/fake-vm.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const page = suite('the page');

const NOW = Date.parse('2026-11-22T12:00:00Z');
const EVIL = '"><script>alert(1)</script>';

const FUNCTION: FunctionInfo = {
  name: 'photo',
  version: 2,
  digest: `sha256:${'ab'.repeat(32)}`,
  sizeBytes: 158_059,
  state: 'failed',
  reason: `cannot ${EVIL}`,
  doors: ['call', 'run', 'http'],
  exports: [
    {
      name: `edges${EVIL}`,
      signature: `edges: func(image: list<u8>) -> list<u8> ${EVIL}`,
      interface: `ns:pkg/${EVIL}`,
      params: [{ name: 'image', type: 'list<u8>' }],
      result: 'list<u8>',
    },
  ],
  imports: [],
  grant: { ...emptyGrant(), http: ['api.example.org'], secrets: ['token'] },
  reduced: [{ what: 'limits.memoryMib', asked: '512', granted: '256' }],
  ungranted: ['wasi:sockets/tcp@0.2.6'],
  secretsSet: [],
  stores: { keyValueBytes: 1000, blobBytes: 2_000_000 },
  versions: [
    { version: 2, digest: `sha256:${'ab'.repeat(32)}`, sizeBytes: 158_059, publishedAt: '2026-11-22T11:58:00Z' },
    { version: 1, digest: `sha256:${'cd'.repeat(32)}`, sizeBytes: 1, publishedAt: '2026-11-21T11:58:00Z' },
  ],
};
const SANDBOX: SandboxInfo = {
  ...{ id: 's1', kind: 'microvm', function: 'photo', version: 2, state: 'ready', pid: 4711, running: 0, served: 7 },
  ...{ startedAt: '2026-11-22T11:59:48Z', via: 'function-clone', privateBytes: 20 * 1024 * 1024 },
};
const INVOCATION: RecentInvocation = {
  ...{
    id: 'i1',
    trace: 'a'.repeat(32),
    function: 'photo',
    version: 2,
    door: 'call',
    target: EVIL,
    startedAt: '2026-11-22T11:59:59.5Z',
  },
  durationMs: 84.2,
  outcome: 'guest-trapped',
  start: 'boot',
};

const SERVICE: ServiceInfo = {
  ...{ name: 'web', address: '/s/web/', image: `sha256:${'ef'.repeat(32)}`, changedAt: '2026-11-22T11:00:00Z' },
  spec: serviceSpec(),
  publisher: 'K'.repeat(43),
  vms: [
    {
      ...{
        id: 'vm-1',
        state: 'ready',
        mode: 'own',
        image: '',
        users: 2,
        connections: 1,
        startMs: 80,
        pid: 1,
        port: 4242,
      },
      ...{ startedAt: '2026-11-22T11:57:00Z', expiresAt: '2026-11-22T12:07:00Z', privateBytes: 30 * 1024 * 1024 },
    },
  ],
};
const DEPLOYMENT: Deployment = {
  ...{ id: 'd1', kind: 'function', name: 'photo', rung: 'difference', stage: 'receiving', state: 'receiving' },
  ...{ bytesDone: 524_288, bytesTotal: 2_097_152, estimateS: 3, startedAt: '2026-11-22T11:59:55Z', endedAt: null },
};
const DEPLOYMENTS: Deployment[] = [
  { ...DEPLOYMENT, id: 'd3', name: 'done', stage: 'ready', endedAt: '2026-11-22T11:59:58Z' },
  {
    ...{ ...DEPLOYMENT, id: 'd2', kind: 'service', name: 'ocr', rung: 'on-demand', stage: 'failed' },
    ...{ endedAt: '2026-11-22T11:59:30Z', problem: { code: 'recipe-failed', detail: `a step ${EVIL}` } },
  },
  DEPLOYMENT,
  { ...DEPLOYMENT, id: 'd4', name: 'scribe', kind: 'service', stage: 'installing', bytesTotal: null },
];

/** The page of a cloudlet with this state, as somebody gets it. */
async function visit(
  who: 'stranger' | 'owner',
  changes: { functions?: FunctionInfo[]; services?: ServiceInfo[]; status?: Partial<Status> } = {},
) {
  const { parts, engine } = testHost();
  const status = { ...(await engine.status()), ...changes.status };
  const cloudlet = {
    id: engine.id,
    status: async () => status,
    functions: async () => changes.functions ?? [FUNCTION],
    sandboxes: () => [SANDBOX],
    recent: () => [INVOCATION],
    catalogue: engine.catalogue,
    services: { list: () => changes.services ?? [SERVICE] },
    deployments: { ...engine.deployments, list: () => DEPLOYMENTS },
  };
  const app = createApp(parts, dashboard({ cloudlet, now: () => NOW, sample: new Uint8Array([0xff, 0xd8, 0xff]) }));
  const headers: Record<string, string> = who === 'owner' ? AS_OWNER : {};
  const get = (path: string): Promise<Response> => Promise.resolve(app.request(`http://localhost${path}`, { headers }));
  const response = await get('/');
  return { response, html: await response.text(), get };
}

page('tells a stranger how to get in, and nothing about what runs here', async () => {
  const { response, html } = await visit('stranger');
  assert.is(response.status, 200);
  assert.match(html, /owner-token/);
  assert.match(html, /id="entrance-form"/);
  for (const secret of ['photo', 'edges', '4711', FUNCTION.digest.slice(7, 19)]) assert.not.match(html, secret);
});

page('shows the owner functions with their doors, machines and recent calls', async () => {
  const { html } = await visit('owner');
  for (const words of [
    /<h3 id="function-photo">photo<\/h3>/,
    /version 2, 2 kept/,
    /154 KiB/,
    /keeps 1\.9 MiB/,
    /published <time datetime="2026-11-22T11:58:00Z">2 min ago/,
    /href="\/f\/photo\/"/,
    /data-call="photo"/,
    /data-run="photo"/,
    /pid 4711, <time datetime="2026-11-22T11:59:48Z">12 s ago/,
    /7 served/,
    /84 ms/,
    /<progress class="row-bar" max="2097152" value="524288" aria-label="photo: receiving">/,
    /512 KiB of 2 MiB, 3 s left/,
    /difference, began <time/,
    /recipe-failed/,
    /<progress class="row-bar" aria-label="scribe: installing">/,
    /guest-trapped/,
    /guests run in processes/,
    /<dt>limits<\/dt><dd>memory 256 MiB/,
    /<dt>http<\/dt><dd>api\.example\.org/,
    /<dt>limits\.memoryMib<\/dt><dd class="less">asked for 512, granted 256/,
    /less than asked for; a secret is missing<\/span>/,
    /<dt>imports without grant<\/dt><dd>wasi:sockets\/tcp@0\.2\.6/,
    /npx cloudlet secret set photo token/,
  ])
    assert.match(html, words);
});

page('shows services with their VMs, and why one failed', async () => {
  const { html } = await visit('owner');
  for (const words of [/<h3><a href="\/s\/web\/"/, /vm-1.*own/, /2 users/, /30 MiB, port 4242, <time[^>]*>3 min ago/]) {
    assert.match(html, words);
  }
  const failure = { at: '2026-11-22T11:00:00Z', code: 'not-ready', detail: `nothing listens ${EVIL}` };
  const { html: failed } = await visit('owner', { services: [{ ...SERVICE, vms: [], failure }] });
  assert.match(failed, /nothing listens &quot;&gt;&lt;script/);
  assert.match(failed, /data-act="stop" disabled/);
  assert.match((await visit('owner', { services: [] })).html, /data-live="services"[^>]* hidden/);
});

page('writes what comes from components as text', async () => {
  const { html } = await visit('owner', { status: { name: EVIL } });
  assert.not.match(html, EVIL);
  assert.not.match(html, '<script>alert');
  assert.ok(html.split('&lt;script&gt;').length > 5);
});

for (const who of ['stranger', 'owner'] as const) {
  page(`for the ${who} loads its own files only and has nothing inline`, async () => {
    const { response, html, get } = await visit(who);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, "default-src 'none'");
    assert.not.match(policy, 'unsafe');
    assert.is(response.headers.get('cache-control'), 'no-store');
    assert.not.match(html, /<style|\sstyle=|\son[a-z]+=|javascript:/i);
    const scripts = [...html.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
    assert.is(scripts.length, 1);
    assert.ok(scripts.every(([, attributes, text]) => attributes!.includes('src="/assets/') && text === ''));
    const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]!);
    assert.is(files.length, 3);
    for (const file of files) {
      const asset = await get(file);
      assert.is(asset.status, 200, file);
      assert.match(asset.headers.get('cache-control') ?? '', 'immutable');
    }
  });

  page(`for the ${who} has a label for every field and one heading of the first rank`, async () => {
    const { html } = await visit(who);
    assert.is(html.split('<h1').length, 2);
    const fields = [...html.matchAll(/<(?:input|select|textarea)\b[^>]*>/g)].map(([tag]) => tag);
    assert.ok(fields.length > 0);
    for (const tag of fields) {
      const id = /\sid="([^"]+)"/.exec(tag)?.[1];
      assert.ok(/aria-label=/.test(tag) || html.includes(`for="${id}"`), tag);
    }
  });
}

page('scripts import files that are there, by relative names', async () => {
  const { html, get } = await visit('owner');
  const entry = /src="(\/assets\/[^"]+\.js)"/.exec(html)![1]!;
  const seen = new Set<string>();
  const follow = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const script = await get(path);
    assert.is(script.status, 200, path);
    assert.is(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
    for (const [, target] of (await script.text()).matchAll(/^import .* from '([^']+)'/gm)) {
      assert.match(target!, /^\.\/[a-z-]+\.js$/);
      await follow(path.replace(/[^/]+$/, target!.slice(2)));
    }
  };
  await follow(entry);
  assert.ok(seen.size > 5);
});

page('files of another build are not found, nor anything outside of their folder', async () => {
  const { get } = await visit('owner');
  for (const path of ['/assets/0000000000000000/page.js', '/assets/x/..%2Findex.ts', '/assets/page.css']) {
    assert.is((await get(path)).status, 404, path);
  }
});

page('says where to begin when nothing is published', async () => {
  const { html } = await visit('owner', { functions: [] });
  assert.match(html, 'cloudlet publish');
  assert.match(html, 'No function takes a picture yet');
  assert.not.match(html, /id="functions-empty" hidden/);
});

page('gives the sample photograph to the owner only', async () => {
  const owner = await (await visit('owner')).get('/sample/photo.jpg');
  assert.is(owner.headers.get('content-type'), 'image/jpeg');
  assert.is((await (await visit('stranger')).get('/sample/photo.jpg')).status, 401);
});

const exported = (types: readonly string[], result: string | null): FunctionInfo => ({
  ...FUNCTION,
  exports: [
    { name: 'f', signature: '', interface: null, params: types.map((type, at) => ({ name: `p${at}`, type })), result },
  ],
});
for (const [types, result, takes] of [
  [['list<u8>'], 'list<u8>', true],
  [['list<u8>'], 'result<list<u8>, string>', true],
  [['list<u8>', 'u32', 's16'], 'result<list<u8>>', true],
  [['list<u8>', 'string'], 'list<u8>', false],
  [['list<u8>', 'u64'], 'list<u8>', false],
  [['list<u8>'], 'string', false],
  [['list<u8>'], null, false],
  [['string'], 'list<u8>', false],
  [[], 'list<u8>', false],
] as const) {
  page(`${takes ? 'offers' : 'does not offer'} (${types.join(', ')}) -> ${result} for photos`, () => {
    assert.is(pictureTargets([exported(types, result)]).length, takes ? 1 : 0);
  });
}

for (const [bytes, text] of [
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [158_059, '154 KiB'],
  [1_973_139, '1.9 MiB'],
  [1_048_575, '1 MiB'],
  [5 * 2 ** 40, '5 TiB'],
] as const) {
  page(`${bytes} bytes are ${text}`, () => assert.is(formatBytes(bytes), text));
}

for (const [ms, text] of [
  [0, '0 ms'],
  [0.364, '0.36 ms'],
  [84.2, '84 ms'],
  [999.7, '1 s'],
  [3123, '3.1 s'],
  [61_000, '1 min'],
  [7_200_000, '2 h'],
  [3 * 86_400_000, '3 d'],
] as const) {
  page(`${ms} milliseconds are ${text}`, () => assert.is(formatDuration(ms), text));
}

page.run();
