import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BuildWrites } from '../../../../guest-sdk/build/dev/build-writes.ts';

const test = suite('what a build writes');

/** Steps of a session: a build begins, ends, a path is written, and how the next look at it judges. */
type Step = 'begin' | 'end' | readonly ['write', string] | readonly ['look', string, boolean, boolean];

for (const [what, steps] of [
  [
    'between builds is an edit, also where it is new',
    [
      ['write', 'a.c'],
      ['look', 'a.c', true, true],
    ],
  ],
  ['in a build, where it was not, is the build’s', ['begin', ['write', 'a.o'], 'end', ['look', 'a.o', true, false]]],
  ['in a build, where it was, may be an edit', ['begin', ['write', 'a.c'], 'end', ['look', 'a.c', false, true]]],
  [
    'in two builds that follow upon each other is the build’s',
    [
      ...['begin', ['write', 'log'], 'end', ['look', 'log', false, true]],
      ...['begin', ['write', 'log'], 'end', ['look', 'log', false, false]],
      ...['begin', ['write', 'log'], 'end', ['look', 'log', false, false]],
    ],
  ],
  [
    'that comes and goes in a build is the build’s',
    ['begin', ['write', 'tmp'], ['look', 'tmp', true, false], ['write', 'tmp'], 'end', ['look', 'tmp', false, false]],
  ],
  [
    'in builds with one between may be an edit each time',
    [
      ...['begin', ['write', 'a.c'], 'end', ['look', 'a.c', false, true], 'begin', 'end'],
      ...['begin', ['write', 'a.c'], 'end', ['look', 'a.c', false, true]],
    ],
  ],
  [
    'of a build is an edit once it is written between builds',
    ['begin', ['write', 'a.o'], 'end', ['look', 'a.o', true, false], ['write', 'a.o'], ['look', 'a.o', false, true]],
  ],
] as readonly (readonly [string, readonly Step[]])[])
  test(what, () => {
    const writes = new BuildWrites();
    for (const step of steps) {
      if (step === 'begin') writes.begin();
      else if (step === 'end') writes.end();
      else if (step[0] === 'write') writes.note(step[1]);
      else assert.is(writes.isEdit(step[1], step[2]), step[3], step[1]);
    }
  });

test.run();
