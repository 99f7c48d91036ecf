/**
 * A component of WASI 0.3 in real machines: one that was cloned from the golden snapshot, and clones of its own snapshot.
 */
import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { CloneLab, guestArtifact, versionWith } from './clone-lab.ts';

/** Names versions of one run apart from those of another, whose snapshots may be left. */
const run = randomBytes(4).toString('hex');

/** The suite of one guest. What `serve` asks of a sandbox comes first in it: nothing that was served before may be seen in that. */
export function p3Clones(what: string, guest: string, serve: (sandbox: Sandbox) => Promise<void>) {
  const clones = suite(`${what} of WASI 0.3 in machines`);

  clones('a machine serves it, and so do two clones of its snapshot', async () => {
    const version = versionWith(`${guest}-${run}`, guestArtifact(guest));
    const lab = await CloneLab.open();
    try {
      await lab.with(version, async ({ sandbox, via }) => {
        assert.is(via, 'golden-clone');
        await serve(sandbox);
      });
      await lab.source.prepare(version, lab.signal);
      for (let clone = 0; clone < 2; clone += 1) {
        await lab.with(version, async ({ sandbox, via }) => {
          assert.is(via, 'function-clone');
          await serve(sandbox);
        });
      }
      assert.equal(lab.warnings, []);
    } finally {
      await lab.source.forget(version.id);
      await lab.close();
    }
  });
  return clones;
}
