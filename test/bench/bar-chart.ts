/** One bar. */
export interface Bar {
  readonly label: string;
  /** Null: not measured, said so. */
  readonly value: number | null;
  /** Said of the value, such as `projected`. */
  readonly note?: string;
}

/** Bars that are compared with each other. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

/** What a chart shows. */
export interface BarChart {
  readonly title: string;
  /** Of the values, such as `s`. */
  readonly unit: string;
  readonly groups: readonly BarGroup[];
  /** Under the chart, one line each. */
  readonly notes: readonly string[];
}

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 130;
const BAR = 16;
const STEP = 22;
const TITLE = 30;

/** Hues that differ in lightness too, for those who do not see them; one for each label, in the order of the first group. */
const COLOURS = ['#1b6ca8', '#e08e0b', '#3a9d5d', '#b03a5b', '#7a5ea8', '#6b7280'];

/**
 * Bars on a logarithmic scale as SVG, readable in light and dark: times that differ by a thousand fit beside each other, and equal factors are
 * equal lengths. Pure; the same data gives the same bytes.
 */
export function barChart({ title, unit, groups, notes }: BarChart): string {
  const values = groups.flatMap(({ bars }) => bars.flatMap(({ value }) => (value === null ? [] : [value])));
  if (values.some((value) => !(value > 0))) throw new RangeError('expected values above 0: the scale is logarithmic');
  const from = 10 ** Math.floor(Math.log10(Math.min(...values, 1)));
  const to = 10 ** Math.ceil(Math.log10(Math.max(...values, from * 10)));
  const decades = Math.log10(to / from);
  const x = (value: number) => LEFT + (Math.log10(value / from) / decades) * (WIDTH - LEFT - RIGHT);
  const labels = [...new Set(groups.flatMap(({ bars }) => bars.map(({ label }) => label)))];
  const colour = (label: string) => COLOURS[labels.indexOf(label) % COLOURS.length]!;
  const parts: string[] = [];
  let y = TITLE + 14;
  for (const group of groups) {
    parts.push(text(12, y + 14, group.title, 'class="group"'));
    y += STEP + 2;
    for (const { label, value, note } of group.bars) {
      parts.push(text(LEFT - 8, y + BAR - 4, label, 'text-anchor="end"'));
      const said = `${value === null ? 'not measured' : `${readable(value)} ${unit}`}${note === undefined ? '' : ` (${note})`}`;
      const end = value === null ? LEFT : Math.max(x(value), LEFT + 1);
      if (value !== null)
        parts.push(
          `<rect x="${LEFT}" y="${y}" width="${round(end - LEFT)}" height="${BAR}" rx="2" fill="${colour(label)}"/>`,
        );
      parts.push(text(round(end + 6), y + BAR - 4, said, 'class="value"'));
      y += STEP;
    }
    y += 8;
  }
  const axis = Array.from({ length: decades + 1 }, (_, at) => from * 10 ** at).flatMap((value) => [
    `<line x1="${round(x(value))}" y1="${TITLE + 6}" x2="${round(x(value))}" y2="${y}" class="grid"/>`,
    text(round(x(value)), y + 16, `${readable(value)} ${unit}`, 'text-anchor="middle" class="note"'),
  ]);
  y += 30;
  const lines = notes.map((note, at) => text(12, y + 8 + at * 16, note, 'class="note"'));
  const height = y + notes.length * 16 + 8;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="t">`,
    `<title id="t">${escaped(title)}</title>`,
    STYLE,
    `<rect width="${WIDTH}" height="${height}" class="ground"/>`,
    text(12, 24, title, 'class="title"'),
    ...axis,
    ...parts,
    ...lines,
    '</svg>',
  ].join('\n')}\n`;
}

const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2937 } .title { font-weight: 600; font-size: 15px } .group { font-weight: 600 } .note { fill: #6b7280; font-size: 12px }
.ground { fill: #ffffff } .grid { stroke: #e5e7eb }
@media (prefers-color-scheme: dark) { text { fill: #e5e7eb } .note { fill: #9ca3af } .ground { fill: #111827 } .grid { stroke: #374151 } }
</style>`;

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

/** Three digits that mean something. */
function readable(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
