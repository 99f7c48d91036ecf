import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LAYERS, layerOfStep, type PlanFacts, planWords } from '../../../../runtime/machine/confinement/plan.ts';

const facts = (layers: PlanFacts['layers']): PlanFacts => ({
  layers,
  parent: 42,
  uid: 7,
  gid: 8,
  userBase: 1000,
  groups: [104, 105],
  root: { files: ['/bin/qemu'], folders: ['/share'], devices: ['/dev/null'] },
  fileBytes: 4096,
});
const text = (layers: PlanFacts['layers']) => planWords(facts(layers)).join(' ');

const plan = suite('a plan');

plan('without any layer still limits, gives up privileges, and ties to the host', () => {
  assert.is(text([]), 'parent 42 limit 4 0 limit 7 512 limit 1 4096 drop - - tie');
});

for (const [layer, words] of [
  ['user-namespace', 'unshare user map 7 8'],
  ['network', 'unshare net'],
  ['ipc', 'unshare ipc'],
  ['host-name', 'unshare uts hostname machine'],
  ['processes', 'unshare pid fork - -'],
  ['root', 'unshare mount begin-root file /bin/qemu folder /share device /dev/null proc enter-root'],
  ['user', 'drop 1000 104,105'],
] as const) {
  plan(`has the steps of the layer ${layer}`, () => assert.match(text([layer]), words));
}

plan('makes the root in the new process namespace, and changes the user when nothing else is to be done', () => {
  const words = planWords(facts(LAYERS));
  const order = ['map', 'fork', 'begin-root', 'enter-root', 'drop', 'tie'].map((word) => words.indexOf(word));
  assert.equal(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.is(words.at(-1), 'tie');
});

plan('gives the supervisor the same user', () => {
  assert.match(text(['processes', 'user']), 'fork 1000 104,105');
});

const steps = suite('a step that is refused');

for (const [step, detail, layer] of [
  ['unshare', 'user', 'user-namespace'],
  ['unshare', 'net', 'network'],
  ['unshare', 'mount', 'root'],
  ['map', '7', 'user-namespace'],
  ['hostname', 'machine', 'host-name'],
  ['fork', '-', 'processes'],
  ['file', '/bin/qemu', 'root'],
  ['enter-root', '', 'root'],
  ['drop', '1000', 'user'],
  ['drop', '-', null],
  ['tie', '', null],
  ['limit', '4', null],
] as const) {
  steps(`${step} ${detail} is one of ${layer ?? 'those that no machine goes without'}`, () => {
    assert.is(layerOfStep(step, detail), layer);
  });
}

plan('has only steps whose layer is known, or that no machine goes without', () => {
  for (const layer of LAYERS) {
    const steps = planWords(facts([layer])).filter((word) => /^[a-z-]+$/.test(word));
    assert.ok(
      steps.some((step, index) => layerOfStep(step, layer === 'user' ? '1000' : (steps[index + 1] ?? '')) === layer),
      layer,
    );
  }
});

plan.run();
steps.run();
