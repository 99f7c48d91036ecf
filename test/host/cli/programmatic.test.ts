import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient } from '../../../guest-sdk/client/index.ts';
import { VERBS } from '../../../host/cli/command-line.ts';

const programmatic = suite('what the command does, a program can do');
const README = readFileSync(new URL('../../../host/cli/README.md', import.meta.url), 'utf8');

/** Rows of the README's table: the doors of each verb. */
const ROWS = new Map(
  [...(README.split('## From a program')[1] ?? '').split('\n## ')[0]!.matchAll(/^\| `([a-z]+)` \| (.+) \|$/gm)].map(
    ([, verb, doors]) => [
      verb!,
      [...doors!.matchAll(/`([a-z/]+)\.([A-Za-z.]+)`/g)].map(([, door, path]) => [door!, path!] as const),
    ],
  ),
);

const DOORS: Readonly<Record<string, () => Promise<object>>> = {
  client: async () => createClient({ url: 'http://localhost:8080' }),
  build: () => import('../../../guest-sdk/build/index.ts'),
  'client/node': () => import('../../../guest-sdk/client/node.ts'),
  cloudlet: () => import('../../../runtime/index.ts'),
};

for (const verb of Object.keys(VERBS))
  programmatic(`${verb} has its row`, () =>
    assert.ok((ROWS.get(verb) ?? []).length > 0, `a row of ${verb} in host/cli/README.md`),
  );

for (const [verb, doors] of ROWS)
  for (const [door, path] of doors)
    programmatic(`${verb}: ${door}.${path} is there`, async () => {
      assert.ok(Object.hasOwn(VERBS, verb), `a verb ${verb}`);
      let found: unknown = await DOORS[door]!();
      for (const name of path.split('.')) found = (found as Record<string, unknown>)[name];
      assert.is(typeof found, 'function');
    });

programmatic.run();
