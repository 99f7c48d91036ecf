import { randomInt } from 'node:crypto';
import { suite } from 'uvu';
import { MECHANISMS } from './random-acts.ts';
import { RandomKillLab } from './random-kill-lab.ts';

/** Runs tests that hit each mechanism of provisioning at so many random moments. The seed is printed, and `FUZZ_SEED` repeats it. */
export function runRandomKills(title: string, rounds: number): void {
  const kill = suite<{ lab: RandomKillLab }>(title);
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
      for (let round = 0; round < rounds; round += 1) await lab.round(mechanism);
    });
  kill.run();
}
