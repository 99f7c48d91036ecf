// end to end
// time limit: 1800 s
import { randomInt } from 'node:crypto';
import { suite } from 'uvu';
import { MECHANISMS } from '../support/random-acts.ts';
import { RandomKillLab } from '../support/random-kill-lab.ts';

const ROUNDS = 8;

const kill = suite<{ lab: RandomKillLab }>(`each mechanism, hit at ${ROUNDS} random moments`);
kill.before(async (context) => {
  const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
  console.log(`seed ${seed}`);
  context.lab = await RandomKillLab.open(seed);
});
kill.after(async ({ lab }) => {
  for (const each of lab?.told ?? []) console.log(`note: ${each}`);
  await lab?.close();
});

for (const mechanism of MECHANISMS)
  kill(`${mechanism}: complete or cleanly absent, says which, and goes on`, async ({ lab }) => {
    for (let round = 0; round < ROUNDS; round += 1) await lab.round(mechanism);
  });

kill.run();
