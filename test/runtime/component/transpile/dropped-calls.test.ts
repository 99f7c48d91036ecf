import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dropCalls } from '../../../../runtime/component/transpile/dropped-calls.ts';

const dropped = suite('calls dropped from glue');

const NAMES = ['say', 'name'];

for (const [what, text, expected] of [
  ['a call in a line', "  say('a', { b: 1 });\n  go();", ';\n  go();'],
  ['a call over lines, without a semicolon', "say('x', {\n  ...args,\n  err,\n})\ngo();", ';\ngo();'],
  ['a method of whatever object', `buffer.name(\`id [\${id}]\`);\ngo();`, ';\ngo();'],
  ['parentheses in texts and templates', `say(")", \`)\${f(\`)\`)}\`, ')');\ngo();`, ';\ngo();'],
  ['a comment among its arguments', "say(\n// don't (\n1);\ngo();", ';\ngo();'],
] as const)
  dropped(what, () => assert.is(dropCalls(text, NAMES), expected));

for (const [what, text] of [
  ['the declaration of a method', '  name(tgt) { this.target = tgt; }'],
  ['a part of an expression', 'say(1).then(go);'],
  ['an argument', 'go(say(1));'],
  ['another function of a longer name', 'sayAll(1);'],
  ['a comment', '// say(1);'],
  ['a call that does not end', "say('a', {"],
  ['a text that does not end', "say('a\n);"],
  ['a regular expression, which is not understood', 'say(/[(]/);'],
] as const)
  dropped(`nothing of ${what}`, () => assert.is(dropCalls(text, NAMES), text));

dropped.run();
