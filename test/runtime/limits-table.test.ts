import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERRORS, LIMIT_NAMES, LIMITS } from '../../guest-sdk/protocol/index.ts';

const table = suite('the table of limits');

const text = readFileSync(new URL('../../runtime/README.md', import.meta.url), 'utf8');
const section = text.slice(text.indexOf('\n## Limits\n'), text.indexOf("\n## A function's way\n"));
const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| limit '));
const cells = (row: string): string[] => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));

/** A number as the table writes it. */
function written(name: keyof typeof LIMITS): string {
  const value = LIMITS[name].default;
  if (name.endsWith('Mib')) return `${value} MiB`;
  if (name.endsWith('Ms')) return `${value / 1000} s`;
  if (!name.endsWith('Bytes')) return String(value);
  const [unit, bytes] =
    value >= 1024 ** 3 ? ['GiB', 1024 ** 3] : value >= 1024 ** 2 ? ['MiB', 1024 ** 2] : ['KiB', 1024];
  return `${value / bytes} ${unit}`;
}

for (const name of LIMIT_NAMES) {
  table(`${name} is in it, with its default and what comes of more`, () => {
    const row = rows.find((each) => cells(each)[0]!.includes(`\`${name}\``));
    assert.ok(row, `a row of runtime/README.md#limits that names ${name}`);
    const [, byDefault, outcome] = cells(row!);
    assert.ok(byDefault!.includes(written(name)), `${written(name)} in ${JSON.stringify(byDefault)}`);
    assert.ok(outcome!.length > 0);
  });
}

table('what it calls codes are codes of the error table, of WASI, or instructions', () => {
  const others = ['forbidden', 'other', 'connection-limit-reached', 'new-socket-limit', 'insufficient-space'];
  const codes = rows.flatMap((row) => [...cells(row)[2]!.matchAll(/`([a-z]+(?:-[a-z]+)*)`/g)].map(([, code]) => code!));
  assert.ok(codes.length > 20);
  assert.equal(
    codes.filter((code) => !Object.hasOwn(ERRORS, code) && !others.includes(code)),
    [],
  );
});

table.run();
