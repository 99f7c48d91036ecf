import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { barChart } from './bench/bar-chart.ts';

const chart = suite('a bar chart');

const DATA = {
  title: 'First answer',
  unit: 's',
  groups: [
    {
      title: 'A & B',
      bars: [
        { label: 'one', value: 0.1 },
        { label: 'two', value: 10, note: 'projected' },
        { label: 'three', value: null },
      ],
    },
  ],
  notes: ['<a note>'],
};

chart('has bars whose lengths are logarithms', () => {
  const widths = [...barChart(DATA).matchAll(/<rect x="190" [^>]*width="([0-9.]+)"/g)].map((match) => Number(match[1]));
  assert.equal(widths, [1, 440], 'the scale goes from 0.1 to 10');
});

chart('says each value with its unit, and what was not measured', () => {
  const svg = barChart(DATA);
  for (const said of ['0.1 s', '10 s (projected)', 'not measured', 'A &amp; B', '&lt;a note>'])
    assert.ok(svg.includes(`>${said}<`), said);
  assert.is(barChart(DATA), svg);
});

chart('refuses what has no logarithm', () => {
  assert.throws(() => barChart({ ...DATA, groups: [{ title: '', bars: [{ label: '', value: 0 }] }] }), /above 0/);
});

chart.run();
