// time limit: 400 s
import { get } from 'node:http';
import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { RecipeVmLab } from '../support/recipe-vm-lab.ts';

const RUN = 'exec httpd -f -p 127.0.0.1:8080 -h /srv/www';
const RECIPE = {
  files: [{ path: '/srv/www/index.html', text: 'served by a VM' }],
  script: 'mkdir -p /srv/www/made\necho by the script > /srv/www/made/index.html',
  service: { run: RUN, port: 8080, probe: { text: 'served by' } },
};

const recipe = suite<{ lab: RecipeVmLab }>('a recipe in a VM');

recipe.before(async (context) => {
  context.lab = await RecipeVmLab.open();
});
recipe.after(({ lab }) => lab.close());
recipe.after.each(async ({ lab }) => {
  assert.equal(await lab.leftovers(), []);
});

/** Asks a server over a connection, as those who use a service do. */
function ask(connection: Duplex, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ path, headers: { connection: 'close' }, createConnection: () => connection });
    request.on('error', reject).on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(`${response.statusCode} ${text.trim()}`);
    });
  });
}

recipe('comes to an image whose clones serve at once', async ({ lab }) => {
  const { image, isNew } = await lab.make(RECIPE);
  assert.equal([isNew, image.kind, image.base, image.service?.run], [true, 'service', lab.base.digest, RUN]);
  const clone = await lab.clone(image);
  try {
    assert.is(await ask(await clone.relay.connect(8080), '/'), '200 served by a VM');
    assert.is(await ask(await clone.relay.connect(8080), '/made/'), '200 by the script');
  } finally {
    await clone.close();
  }
});

recipe('starts no VM the second time, nor for the second who asks at once', async ({ lab }) => {
  await lab.make(RECIPE);
  lab.opened = 0;
  assert.is((await lab.make(RECIPE)).isNew, false);
  assert.is(lab.opened, 0);
  const other = { ...RECIPE, script: 'true' };
  const both = await Promise.all([lab.make(other), lab.make(other)]);
  // Whose turn is first is decided by whose look at the base comes back first.
  assert.equal([both.map(({ isNew }) => isNew).sort(), lab.opened], [[false, true], 1]);
});

recipe('that fails names the step and what it said, and leaves nothing', async ({ lab }) => {
  const before = await lab.stored();
  const failing = { ...RECIPE, script: 'echo working\ncat /nowhere\necho never' };
  const error = await lab.make(failing).then(
    () => assert.unreachable(),
    (thrown: CloudletError) => thrown,
  );
  assert.is(error?.code, 'recipe-failed');
  assert.match(error!.message, /the step "script".*status 1.*working\ncat: can't open '\/nowhere'/s);
  assert.not.match(error!.message, /never/);
  assert.equal(await lab.stored(), before);
});

recipe('whose files do not fit its disk is not saved, though no program heard of it', async ({ lab }) => {
  const service = { ...RECIPE.service, limits: { diskMib: 16 } };
  const script = `${RECIPE.script}\ndd if=/dev/urandom of=/srv/fill bs=1048576 count=40`;
  const before = await lab.stored();
  const error = await lab.make({ ...RECIPE, script, service }).then(
    () => assert.unreachable(),
    (thrown: CloudletError) => thrown,
  );
  assert.is(error?.code, 'limit-exceeded');
  assert.match(error!.message, /diskMib/);
  assert.equal(await lab.stored(), before);
});

recipe('whose server never listens is not ready', async ({ lab }) => {
  const service = { run: 'echo I wait; sleep 1000', port: 8080, readyMs: 600_000 };
  lab.reported = ({ log }) => {
    if (log?.includes('I wait')) lab.leapMs = service.readyMs;
  };
  const error = await lab.make({ service }).then(
    () => assert.unreachable(),
    (thrown: CloudletError) => thrown,
  );
  assert.is(error?.code, 'not-ready');
  assert.match(error!.message, /I wait/);
});

recipe('that is given up leaves nothing', async ({ lab }) => {
  const giveUp = new AbortController();
  const before = await lab.stored();
  lab.reported = ({ log }) => {
    if (log?.includes('asleep')) giveUp.abort(new Error('given up'));
  };
  const failed = lab.make({ ...RECIPE, script: 'echo asleep; sleep 1000' }, giveUp.signal).then(
    () => assert.unreachable(),
    (thrown: Error) => thrown,
  );
  assert.is((await failed)?.message, 'given up');
  assert.equal(await lab.stored(), before);
});

recipe.run();
