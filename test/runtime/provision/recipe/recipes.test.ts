import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError, Digest, RecipeInput } from '../../../../guest-sdk/protocol/index.ts';
import { BASE, RecipeLab, SERVICE } from '../../../support/recipe-lab.ts';

const PLAN = 'Inst gocr (0.52-6 Debian:12.11/stable [amd64])\nConf gocr (0.52-6 Debian:12.11/stable [amd64])\n';
const NEWER = PLAN.replaceAll('0.52-6', '0.52-7');
const SOURCES = 'deb http://mirror.example.org/debian bookworm main\n';
const ANSWERS = [
  ['/etc/apt/sources', { says: SOURCES }],
  ['--simulate', { says: PLAN }],
] as const;
const PACKAGES = { packages: ['gocr'], service: SERVICE };
const PLAIN = { files: [{ path: '/srv/a', text: 'a' }], script: 'touch /srv/b', service: SERVICE };

const recipes = suite<{ lab: RecipeLab }>('recipes');

recipes.before.each((context) => {
  context.lab = new RecipeLab();
  context.lab.answers = ANSWERS;
});
recipes.after.each(({ lab }) => {
  lab.close();
  assert.equal([lab.opened - lab.closed, lab.held, lab.mayGoOut], [0, 0, false], 'nothing is left');
});

/** What ran, in a word each. */
function words(lab: RecipeLab): string[] {
  const kinds = [
    ...[
      ['/etc/apt/sources', 'sources'],
      ['echo fresh', 'fresh'],
      ['--simulate', 'plan'],
      ['install -- ', 'install'],
    ],
    ...[
      ['Error-Mode=any update', 'update'],
      ['cat >', 'put'],
      ['sh -e', 'script'],
      ['rm -rf /var', 'tidy'],
      ['init_on_free', 'aside?'],
    ],
  ] as const;
  return lab.ran.map(({ command }) => kinds.find(([piece]) => command.includes(piece!))?.[1] ?? command);
}

async function failure(promise: Promise<unknown>): Promise<CloudletError> {
  return promise.then(
    () => assert.unreachable('it did not fail'),
    (error) => error,
  ) as Promise<CloudletError>;
}

recipes('go through their steps in order', async ({ lab }) => {
  const { isNew, image } = await lab.make({ ...PACKAGES, ...PLAIN });
  assert.is(isNew, true);
  assert.equal(lab.stages, ['restore', 'update', 'packages', 'files', 'script', 'start', 'probe', 'save']);
  assert.equal(
    [...lab.made.keys()].map((key) => `sha256:${key}`),
    [image.digest],
  );
  const installed = ['sources', 'fresh', 'update', 'plan', 'install', 'put', 'put', 'script', 'tidy'];
  assert.equal(words(lab), [...installed, 'serve', 'aside?']);
});

recipes('take lists of packages of the last day as they are', async ({ lab }) => {
  lab.answers = [['echo fresh', { says: 'fresh\n' }], ...ANSWERS];
  await lab.make(PACKAGES);
  assert.equal(words(lab), ['sources', 'fresh', 'plan', 'install', 'tidy', 'serve', 'aside?']);
});

recipes('ask for newer lists when a package in them is gone', async ({ lab }) => {
  let failing = true;
  const gone = () => {
    const answer = failing ? { status: 100, says: 'E: 404  Not Found\n' } : {};
    failing = false;
    return answer;
  };
  lab.answers = [['echo fresh', { says: 'fresh\n' }], ...ANSWERS, ['install -- gocr', gone]];
  await lab.make(PACKAGES);
  const expected = ['sources', 'fresh', 'plan', 'install', 'update', 'plan', 'install', 'tidy', 'serve', 'aside?'];
  assert.equal(words(lab), expected);
});

recipes('write files with their modes, of texts and of parts', async ({ lab }) => {
  const digests = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}` as Digest);
  lab.parts.set(digests[0]!, Buffer.from('one,'));
  lab.parts.set(digests[1]!, Buffer.from('two'));
  const parts = digests.map((digest, at) => ({ digest, bytes: at === 0 ? 4 : 3 }));
  await lab.make({
    files: [
      { path: '/srv/a b', mode: '0755', text: 'text' },
      { path: '/c', parts },
    ],
    service: SERVICE,
  });
  assert.equal(
    lab.ran.slice(0, 2).map(({ environment, input }) => [environment, input]),
    [
      [{ FILE: '/srv/a b', MODE: '0755' }, 'text'],
      [{ FILE: '/c', MODE: '0644' }, 'one,two'],
    ],
  );
});

recipes('that are made again run nothing: without packages at once', async ({ lab }) => {
  const first = await lab.make(PLAIN);
  lab.ran.length = 0;
  const again = await lab.make(PLAIN);
  assert.equal([again.isNew, again.image.digest, lab.ran.length, lab.opened], [false, first.image.digest, 0, 1]);
});

recipes('that are made again run nothing: with packages while their versions are remembered', async ({ lab }) => {
  const first = await lab.make(PACKAGES);
  lab.ran.length = 0;
  assert.equal((await lab.make(PACKAGES)).isNew, false);
  assert.equal([lab.ran.length, lab.opened], [0, 1]);

  lab.remembered.clear();
  const asked = await lab.make(PACKAGES);
  assert.equal([asked.isNew, asked.image.digest], [false, first.image.digest], 'the versions are the same');
  assert.equal(lab.stages.slice(-2), ['restore', 'update']);

  lab.remembered.clear();
  lab.answers = [ANSWERS[0], ['--simulate', { says: NEWER }]];
  assert.is((await lab.make(PACKAGES)).isNew, true, 'a newer version is installed');
  assert.is(lab.made.size, 2);
});

const CHANGES: readonly (readonly [what: string, change: Partial<RecipeInput>])[] = [
  ['another file', { files: [{ path: '/srv/a', text: 'b' }] }],
  ['another mode', { files: [{ path: '/srv/a', text: 'a', mode: '0755' }] }],
  ['another script', { script: 'true' }],
  ['another probe', { service: { ...SERVICE, probe: { path: '/health' } } }],
];
for (const [what, change] of CHANGES) {
  recipes(`with ${what} come to something else`, async ({ lab }) => {
    await lab.make(PLAIN);
    assert.is((await lab.make({ ...PLAIN, ...change })).isNew, true);
  });
}

recipes('that say the same in another order are one', async ({ lab }) => {
  await lab.make({ service: SERVICE, script: 'true', base: BASE });
  assert.is(
    (await lab.make({ script: 'true', files: [], service: { port: 8080, readyMs: 1000, run: 'serve' }, base: BASE }))
      .isNew,
    false,
  );
});

recipes('that are asked for at once are made once', async ({ lab }) => {
  const all = await Promise.all([lab.make(PLAIN), lab.make(PLAIN), lab.make(PLAIN)]);
  assert.equal(
    all.map(({ isNew }) => isNew),
    [true, false, false],
  );
  assert.is(lab.opened, 1);
});

recipes('report what steps say, in whole lines and without control characters', async ({ lab }) => {
  lab.answers = [['sh -e', { says: 'one\r\ntwo 10%\rtwo 99%\rdone \u001b[1mthree' }]];
  await lab.make(PLAIN);
  const logs = lab.reports.filter(({ stage, log }) => stage === 'script' && log !== undefined).map(({ log }) => log);
  assert.equal(logs.slice(-2), ['one\ntwo 10%\ntwo 99%\n', 'done [1mthree\n']);
});

for (const [step, piece, recipe] of [
  [
    'update',
    '-q -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Acquire::Retries=2 -o Acquire::http::Timeout=60 -o APT::Update::Error-Mode=any update',
    PACKAGES,
  ],
  ['packages', 'install -- gocr', PACKAGES],
  ['files', 'cat >', PLAIN],
  ['script', 'sh -e', PLAIN],
] as const) {
  recipes(`name the step "${step}" when it fails, with the end of its output`, async ({ lab }) => {
    lab.answers = [...ANSWERS, [piece, { status: 100, says: `${'x'.repeat(9000)}\nE: no such thing\n` }]];
    const error = await failure(lab.make(recipe));
    assert.is(error.code, 'recipe-failed');
    assert.match(
      error.message,
      new RegExp(`the step "${step}" of the recipe ended with status 100.*no such thing$`, 's'),
    );
    assert.ok(error.message.length < 1200);
    assert.is(lab.made.size, 0);
  });

  recipes(`leave nothing when they are given up in the step "${step}"`, async ({ lab }) => {
    lab.answers = [...ANSWERS, [piece, { hangs: true }]];
    const giveUp = new AbortController();
    lab.hanging = () => giveUp.abort(new Error('given up'));
    const error = await failure(lab.make(recipe, giveUp.signal));
    assert.is(error.message, 'given up');
    assert.is(lab.made.size, 0);
  });
}

recipes('fail when a step takes half an hour', async ({ lab }) => {
  lab.answers = [['sh -e', { hangs: true, says: 'waiting\n' }]];
  lab.hanging = () => lab.clock.advance(30 * 60_000);
  const error = await failure(lab.make(PLAIN));
  assert.is(error.code, 'recipe-failed');
  assert.match(error.message, /the step "script" of the recipe took longer than 30 minutes; .*waiting/s);
});

recipes('fail when their server ends', async ({ lab }) => {
  lab.answers = [['serve', { status: 3 }]];
  lab.listener = null;
  const error = await failure(lab.make(PLAIN));
  assert.is(error.code, 'recipe-failed');
  assert.match(error.message, /the step "start" of the recipe ended: its server did, with status 3/);
});

recipes('are not ready when their server never listens, or answers otherwise', async ({ lab }) => {
  for (const listener of [
    null,
    (_: unknown, response: { writeHead(status: number): { end(): void } }) => response.writeHead(500).end(),
  ]) {
    lab.listener = listener as RecipeLab['listener'];
    const failed = failure(lab.make(PLAIN));
    let over = false;
    void failed.then(() => (over = true));
    while (!over) {
      lab.clock.advance(20);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const error = await failed;
    assert.is(error.code, 'not-ready');
    assert.match(error.message, /the step "probe" of the recipe.*the kernel says hello/s);
  }
  assert.is(lab.made.size, 0);
});

recipes('that wait while the same is made say so', async ({ lab }) => {
  const [first, second] = await Promise.all([lab.make(PLAIN), lab.make(PLAIN)]);
  assert.equal([first.isNew, second.isNew, lab.opened], [true, false, 1]);
  assert.is(lab.stages.filter((stage) => stage === 'waiting').length, 1);
});

recipes('on a base that is not here are refused', async ({ lab }) => {
  const error = await failure(lab.make({ base: `sha256:${'c'.repeat(64)}`, service: SERVICE }));
  assert.is(error.code, 'base-unknown');
});

recipes.run();
