import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { removeLeftovers } from '../../../../runtime/machine/confinement/leftover-groups.ts';
import { startTimeOf } from '../../../../runtime/machine/confinement/process-identity.ts';

interface Context {
  directory: string;
}
const leftover = suite<Context>('a left group');

leftover.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'cloudlet-group-'));
});
leftover.after.each(({ directory }) => rmSync(directory, { recursive: true }));

leftover(
  'of a host that ended is removed, of one that lives it stays, and nothing else is touched',
  ({ directory }) => {
    const start = startTimeOf(process.pid);
    const names = {
      living: `cloudlet-${process.pid}-${start}-1`,
      reused: `cloudlet-${process.pid}-${Number(start) - 1}-1`,
      ended: 'cloudlet-4194304-17-function-photo',
      busy: 'cloudlet-4194304-17-4',
      other: 'system.slice',
      odd: 'cloudlet-x',
    };
    for (const name of Object.values(names)) mkdirSync(join(directory, name));
    for (const name of [names.ended, names.living]) mkdirSync(join(directory, name, '17'));
    writeFileSync(join(directory, names.busy, 'a process'), '');
    // As if another host had removed it between two looks.
    const gone = 'cloudlet-4194304-17-5';
    symlinkSync(join(directory, 'nowhere'), join(directory, gone));
    removeLeftovers(directory);
    assert.equal(readdirSync(directory).sort(), [names.living, names.busy, names.other, names.odd, gone].sort());
  },
);

leftover.run();
