import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GlueState, STATE_IMPORT } from '../../../../runtime/agent/glue-state.ts';
import type { GuestComponent } from '../../../../runtime/agent/guest-component.ts';
import { GlueShells } from '../../../../runtime/agent/reuse/glue-shell.ts';
import type { LoadMessage } from '../../../../runtime/agent/wire.ts';
import { GrantedFiles } from '../../../../runtime/wasi/index.ts';

const shells = suite('a glue that was evaluated');

const core = () => ({}) as WebAssembly.Instance;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The shells of a component whose glue is quiet after so many looks; null: its glue cannot be used again. */
function open(looks: number | null) {
  const seen = { evaluated: 0, again: 0, cleared: 0, looks };
  const component: GuestComponent = {
    message: { valueBytes: 1000 } as LoadMessage,
    files: new GrantedFiles([], 0),
    async instantiate(imports) {
      seen.evaluated += 1;
      const state = imports[STATE_IMPORT] as GlueState;
      if (looks === null) return {};
      state.isQuiet = () => {
        seen.looks = (seen.looks ?? 0) - 1;
        return seen.looks < 0;
      };
      state.clear = () => {
        seen.cleared += 1;
      };
      state.again = () => {
        seen.again += 1;
        return {};
      };
      return {};
    },
  };
  return { seen, all: new GlueShells(component) };
}

async function usedTwice(looks: number | null, turns: number) {
  const { seen, all } = open(looks);
  const first = all.take();
  await first.instantiate(core);
  all.giveBack(first);
  for (let at = 0; at < turns; at += 1) await turn();
  const second = all.take();
  await second.instantiate(core);
  return { ...seen, same: first === second };
}

for (const [what, looks, turns, same] of [
  ['makes another instance', 0, 0, true],
  ['makes another when what it had under way came to its end', 3, 4, true],
  ['is left while something is under way', 3, 1, false],
  ['is left when that never ends', 100, 30, false],
  ['is left when it has no way to forget', null, 2, false],
] as const) {
  shells(what, async () => {
    const seen = await usedTwice(looks, turns);
    assert.is(seen.same, same);
    assert.is(seen.evaluated, same ? 1 : 2);
    assert.is(seen.again, same ? 1 : 0);
    assert.is(seen.cleared, same ? 1 : 0);
  });
}

shells('is left when its guest called the host while nobody had called it', async () => {
  const { all, seen } = open(0);
  const shell = all.take();
  await shell.instantiate(core);
  const { now } = shell.wasi.imports['wasi:clocks/wall-clock'] as { readonly now: () => unknown };
  assert.throws(now, /outside of an invocation/);
  all.giveBack(shell);
  assert.is(all.take() === shell, false);
  assert.is(seen.cleared, 0);
});

shells('tells nobody of the instance before', async () => {
  const { all } = open(0);
  const shell = all.take();
  await shell.instantiate(core);
  shell.state.died = () => assert.unreachable();
  all.giveBack(shell);
  assert.is(shell.state.died, undefined);
});

shells('is kept for as many instances as there may be at once', async () => {
  const { all, seen } = open(0);
  const taken = [all.take(), all.take(), all.take()];
  for (const shell of taken) await shell.instantiate(core);
  for (const shell of taken) all.giveBack(shell);
  for (let at = 0; at < 3; at += 1) await all.take().instantiate(core);
  assert.is(seen.again, 2);
  assert.is(seen.evaluated, 4);
});

shells.run();
