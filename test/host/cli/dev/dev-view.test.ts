import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { DevView } from '../../../../host/cli/dev/dev-view.ts';

const view = suite('what a person sees of dev');

view('says that something goes on only when something was served', () => {
  const lines: string[] = [];
  const shown = new DevView(
    (line) => lines.push(line.replace(/^\S+ /, '')),
    '/',
    () => new Date(0),
  );
  const failed = { kind: 'failed', error: new CloudletError('build-failed', 'no') } as const;
  shown.event(failed);
  shown.event({ kind: 'served', ms: 2, buildMs: 1 } as Parameters<DevView['event']>[0]);
  shown.event(failed);
  assert.equal(lines, [
    '✘ no',
    'nothing is served yet; it is built again when a file changes',
    'served after 2 ms (build 1 ms)',
    '✘ no',
    'what was served before goes on',
  ]);
});

view.run();
