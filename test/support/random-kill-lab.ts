/**
 * Every mechanism of provisioning, hit at a random moment: the host is killed, a machine of it is, or the device leaves or vanishes. What is
 * left must be complete or cleanly absent, say which, and go on when it is asked for again.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { type Deployment, type DeploymentEvent, type FunctionName, isEnded } from '../../guest-sdk/protocol/index.ts';
import { HostLab } from './host-lab.ts';
import { ended, processesBelow, programOf } from './process-tree.ts';
import { SeededRandom } from './random.ts';
import { type Act, Acts, Device, type Mechanism } from './random-acts.ts';
import { SavedVms } from './saved-vms.ts';

/** What is hit, beside the moment. */
const VICTIMS = ['host', 'machine', 'device leaves', 'device vanishes'] as const;

/** A host with a base VM, and something for each mechanism. */
export class RandomKillLab {
  readonly #random: SeededRandom;
  readonly #saved: SavedVms;
  readonly #acts: Acts;
  readonly #lab: HostLab;
  /** How long each takes when nobody disturbs it, milliseconds. */
  readonly #usual = new Map<Mechanism, number>();
  /** What was hit, for whoever reads the log. */
  readonly told: string[] = [];

  private constructor(random: SeededRandom, saved: SavedVms, acts: Acts, lab: HostLab) {
    this.#random = random;
    this.#saved = saved;
    this.#acts = acts;
    this.#lab = lab;
  }

  static async open(seed: number): Promise<RandomKillLab> {
    const random = new SeededRandom(seed);
    const saved = await SavedVms.open();
    const acts = await Acts.open(random, saved);
    return new RandomKillLab(random, saved, acts, await HostLab.open('process', null, saved.folder));
  }

  async close(): Promise<void> {
    await this.#lab.close();
    await this.#acts.close();
    await this.#saved.close();
  }

  /** One round: something new by this mechanism, hit at a random moment, checked, and asked for again by two at once. */
  async round(mechanism: Mechanism): Promise<void> {
    const usualMs = this.#usual.get(mechanism) ?? (await this.#undisturbed(mechanism));
    const act = await this.#acts.next(mechanism);
    const victims = VICTIMS.filter((each) => mechanism !== 'push' || each !== 'machine');
    const [victim, afterMs] = [this.#random.pick(victims), Math.round(this.#random.next() * usualMs * 1.1)];
    const where = `seed ${this.#random.seed}, ${act.name}: ${victim} after ${afterMs} of ${Math.round(usualMs)} ms`;
    const device = new Device(this.#lab);
    const first = act.provision(device).then(
      ({ stage }) => stage,
      (error: Error) => error.message,
    );
    await sleep(afterMs);
    await this.#hit(victim, device);
    if (victim === 'host') await this.#expectSettled(act, device, where);
    // Who asked for the same while it fails would be told of that, too.
    if (victim === 'machine' || victim === 'device leaves') await this.#expectAgreement(act, await first, where);
    await this.#again(act, device, where);
    device.leave.abort();
    await this.#remove(act, where);
    this.told.push(where);
  }

  async #undisturbed(mechanism: Mechanism): Promise<number> {
    const act = await this.#acts.next(mechanism);
    const startedAt = performance.now();
    const { stage, problem } = await act.provision(new Device(this.#lab));
    const tookMs = performance.now() - startedAt;
    assert.is(stage, 'ready', `${act.name}: ${problem?.detail}`);
    await this.#remove(act, act.name);
    this.#usual.set(mechanism, tookMs);
    return tookMs;
  }

  async #hit(victim: (typeof VICTIMS)[number], device: Device): Promise<void> {
    const machines = this.#machines();
    switch (victim) {
      case 'host':
        await this.#lab.kill();
        await ended(...machines);
        await this.#lab.start('process');
        return;
      case 'machine':
        if (machines.length > 0) process.kill(this.#random.pick(machines), 'SIGKILL');
        return;
      case 'device leaves':
        device.leave.abort();
        return;
      case 'device vanishes':
        device.vanish();
        return;
      default:
        throw victim satisfies never;
    }
  }

  /** After a restart everything has ended, says how, and is there or is not. */
  async #expectSettled(act: Act, { id, heard }: Device, where: string): Promise<void> {
    const client = new Device(this.#lab).client;
    const all = await client.deployments();
    assert.ok(all.every(isEnded), `${where}: ${JSON.stringify(all.filter((each) => !isEnded(each)))}`);
    const mine = all.find((each) => each.id === id);
    if (mine !== undefined) {
      await this.#expectOneEnd(mine.id, heard, where);
      const isThere = await this.#isThere(act);
      if (mine.stage === 'failed') assert.is(mine.problem?.code, 'interrupted', where);
      // What was cut off before it was said may be complete, and then says so; never the other way round.
      assert.is(isThere, mine.stage === 'ready', `${where}: told ${mine.stage}`);
    }
    // Who asked whether it is there has started it.
    this.#expectNothingLeft(where, { isServing: true });
  }

  /** What its device was told is so: one that failed has left nothing under its name. */
  async #expectAgreement(act: Act, told: string, where: string): Promise<void> {
    if (told === 'failed') assert.is(await this.#isThere(act), false, `${where}: told that it failed`);
  }

  /** The events of a deployment are numbered without a gap, begin with those that were heard, and have one end, the last; and go on behind any of them. */
  async #expectOneEnd(id: string, heard: readonly DeploymentEvent[], where: string): Promise<void> {
    const told = await this.#events(id, 0);
    const numbers = told.map(({ number }) => number);
    assert.equal(
      numbers,
      numbers.map((_, at) => at + 1),
      `${where}: numbers without a gap`,
    );
    assert.ok(heard.length <= told.length, `${where}: what was heard is kept`);
    for (const [at, { id: number }] of heard.entries()) assert.is(number, at + 1, where);
    const ends = told.filter(({ stage }) => stage === 'ready' || stage === 'failed');
    assert.is(ends.length, 1, `${where}: ${JSON.stringify(told)}`);
    assert.is(ends[0], told.at(-1), where);
    const after = this.#random.below(told.length);
    assert.equal(await this.#events(id, after), told.slice(after), `${where}: behind ${after}`);
  }

  async #events(id: string, after: number): Promise<{ readonly number: number; readonly stage: string | null }[]> {
    const headers = { 'last-event-id': String(after) };
    const text = await (await this.#lab.ask(`/v1/deployments/${id}/events`, { headers })).text();
    return [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)].map(([, number, event, data]) => ({
      number: Number(number),
      stage: event === 'state' ? (JSON.parse(data!) as Deployment).stage : null,
    }));
  }

  /** Two ask at once: both are told that it is ready, it is, and it was done once. */
  async #again(act: Act, before: Device, where: string): Promise<void> {
    const images = (await this.#saved.store.list()).length;
    const devices = [new Device(this.#lab), new Device(this.#lab)] as const;
    const done = await Promise.all(devices.map((device) => act.provision(device)));
    for (const [at, { stage, problem }] of done.entries()) {
      assert.is(stage, 'ready', `${where}: again, ${problem?.code} ${problem?.detail}`);
      const { id, heard } = devices[at]!;
      if (id !== null) await this.#expectOneEnd(id, heard, `${where}: again`);
    }
    if (before.id !== null) await this.#expectOneEnd(before.id, [], where);
    assert.ok(await this.#isThere(act), `${where}: it answers`);
    assert.ok((await this.#saved.store.list()).length <= images + 1, `${where}: one image`);
    if (act.kind === 'service') return;
    const { versions } = await devices[0].client.function(act.name as FunctionName);
    assert.is(versions.length, 1, `${where}: one version`);
  }

  async #isThere({ kind, name }: Act): Promise<boolean> {
    if (kind === 'function') return (await this.#lab.ask(`/v1/functions/${name}`)).status === 200;
    const answer = await this.#lab.ask(`/s/${name}/`);
    if (answer.status === 404) return false;
    assert.is(await answer.text(), 'hello\n', name);
    return true;
  }

  async #remove({ kind, name }: Act, where: string): Promise<void> {
    const path = kind === 'function' ? 'functions' : 'services';
    const removed = await this.#lab.ask(`/v1/${path}/${name}`, { method: 'DELETE' });
    assert.ok(removed.ok, `${where}: ${removed.status} ${await removed.text()}`);
    const entry = await this.#lab.ask(`/v1/store/${name}`, { method: 'DELETE' });
    await entry.arrayBuffer();
    const { client } = new Device(this.#lab);
    assert.not.ok(
      (await client.services.list()).some((each) => each.name === name),
      where,
    );
    this.#expectNothingLeft(where, { isServing: false });
    assert.ok(this.#machines().length <= 1, `${where}: machines but for the blank that waits`);
    assert.equal(this.#connections(), [], `${where}: sockets of machines`);
  }

  /** No file and no mark of what is over, but the blank that waits for the next. */
  #expectNothingLeft(where: string, { isServing }: { readonly isServing: boolean }): void {
    const { store, base } = this.#saved;
    const own = isServing ? `held-${this.#lab.pid}-` : 'held-by-nobody';
    const blank = `.making-${this.#lab.pid}-`;
    const names = readdirSync(store.directory).filter((name) => !name.startsWith(blank));
    assert.equal(
      names.filter((name) => !/^[0-9a-f]{64}$/.test(name)),
      [],
      where,
    );
    for (const name of names.filter((each) => !base.digest.endsWith(each)))
      assert.equal(
        readdirSync(join(store.directory, name)).filter((each) => each.startsWith('held-') && !each.startsWith(own)),
        [],
        `${where}: marks in ${name}`,
      );
    const data = join(this.#lab.folder, 'data');
    for (const folder of ['blobs/incoming', 'deployments/parts/incoming'])
      assert.equal(readdirSync(join(data, folder)), [], `${where}: ${folder}`);
  }

  #machines(): number[] {
    return processesBelow(this.#lab.pid).filter((pid) => programOf(pid)?.startsWith('qemu-system') === true);
  }

  /** Sockets with names below the folders of this lab: machines have inherited ones alone. */
  #connections(): string[] {
    return readdirSync(join(this.#lab.folder, 'data'), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.sock'));
  }
}
