import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AnswersTogether } from '../../../host/http/answers-together.ts';

const together = suite('answers together');

together('leave in their order when all of a turn are ready', async () => {
  const answers = new AnswersTogether();
  const seen: string[] = [];
  const make = async (name: string) => {
    await null;
    seen.push(`${name} made`);
    answers.add(() => seen.push(`${name} sent`));
  };
  await Promise.all(['a', 'b', 'c'].map(make));
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.equal(seen, ['a made', 'b made', 'c made', 'a sent', 'b sent', 'c sent']);
  answers.add(() => seen.push('d sent'));
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.is(seen.at(-1), 'd sent');
});

together.run();
