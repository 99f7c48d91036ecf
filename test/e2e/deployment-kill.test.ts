// end to end
// time limit: 400 s
import { randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentOf, createClient, cutIntoParts, type HeldParts } from '../../guest-sdk/client/index.ts';
import { type Deployment, type Digest, isEnded, writePackage } from '../../guest-sdk/protocol/index.ts';
import { guestBytes } from '../support/cloudlet-lab.ts';
import { HostLab } from '../support/host-lab.ts';
import { SeededRandom } from '../support/random.ts';

const kill = suite('deployments of a host that is killed');

const ROUNDS = 6;

interface Packed {
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly held: HeldParts;
}

async function packed(random: SeededRandom, round: number): Promise<Packed> {
  const { digest, pieces } = await writePackage({
    component: await guestBytes('typed'),
    grant: { files: [{ path: '/model', from: 'model' }] },
    files: [['model/weights', random.bytes(2_000_000)]],
  });
  const bytes = Buffer.concat(pieces);
  return { name: `round-${round}`, digest, bytes: bytes.length, held: await cutIntoParts(contentOf(bytes)) };
}

/** Events of a deployment as the host tells them now, by their numbers. */
async function eventsAt(lab: HostLab, id: string): Promise<{ readonly ids: number[]; readonly last: Deployment }> {
  const text = await (await lab.ask(`/v1/deployments/${id}/events`)).text();
  const states = [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)];
  return { ids: states.map(([, number]) => Number(number)), last: JSON.parse(states.at(-1)![3]!) as Deployment };
}

kill(
  `at ${ROUNDS} random moments: each is complete or says that it was interrupted, and only the rest is sent again`,
  async () => {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    const random = new SeededRandom(seed);
    const lab = await HostLab.open('process');
    let interrupted = 0;
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const where = `seed ${seed}, round ${round}`;
        const { name, digest, bytes, held } = await packed(random, round);
        const request = { want: { function: name, digest, parts: [...held.parts] } };
        const client = createClient({ url: lab.url, token: lab.token });
        const seen: number[] = [];
        let id = '';
        let arrived = 0;
        const killed = wait(random.below(500)).then(() => lab.kill());
        try {
          for await (const news of client.deploy(request, { held, signal: AbortSignal.timeout(3000) })) {
            if (news.kind === 'accepted') id = news.deployment.id;
            if (news.kind === 'sent') arrived = news.bytes;
            if (news.kind === 'event') seen.push(news.event.id);
          }
        } catch {
          // The host is gone; what the device saw until then is what counts.
        }
        await killed;
        await lab.start('process');

        const after = createClient({ url: lab.url, token: lab.token });
        const published = (await after.functions()).find((each) => each.name === name);
        const all = await after.deployments();
        assert.ok(all.every(isEnded), `${where}: ${JSON.stringify(all.filter((each) => !isEnded(each)))}`);
        if (all.some((each) => each.id === id)) {
          const { ids, last } = await eventsAt(lab, id);
          assert.equal(
            ids,
            ids.map((_, at) => at + 1),
            `${where}: numbers without a gap`,
          );
          assert.ok(
            seen.every((number, at) => number === at + 1) && seen.length <= ids.length,
            `${where}: what was seen is kept`,
          );
          if (last.stage === 'failed') {
            interrupted += 1;
            assert.is(last.problem?.code, 'interrupted', where);
            assert.is(published, undefined, `${where}: nothing is left of it`);
          } else assert.equal([last.stage, published?.digest], ['ready', digest], where);
        }
        const data = join(lab.folder, 'data');
        assert.equal(await readdir(join(data, 'blobs/incoming')), [], where);
        assert.equal(await readdir(join(data, 'deployments/parts/incoming')), [], where);

        let sent = 0;
        for await (const news of after.deploy(request, { held })) {
          if (news.kind !== 'ended') continue;
          sent = news.sentBytes;
          assert.is(news.deployment.stage, 'ready', `${where}: ${news.deployment.problem?.detail}`);
        }
        // Four are on their way at once, each at most 256 KiB.
        assert.ok(
          sent <= bytes - arrived + 4 * 262_144,
          `${where}: ${sent} bytes after ${arrived} of ${bytes} had arrived`,
        );
        // Right after it was said to be ready; the time limit of this file ends a wait in vain.
        while ((await leftParts(data)) > 0) await wait(20);
      }
      assert.ok(interrupted > 0, `seed ${seed}: the kills hit deployments at work`);
    } finally {
      await lab.close();
    }
  },
);

async function leftParts(data: string): Promise<number> {
  const top = join(data, 'deployments/parts/sha256');
  const folders = await readdir(top);
  const files = await Promise.all(folders.map((folder) => readdir(join(top, folder))));
  return files.flat().length;
}

kill.run();
