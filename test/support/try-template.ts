/**
 * A project started from a template, built, and asked what its own cases ask.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Case, readCases, scaffold } from '../../guest-sdk/build/index.ts';
import { BuiltFunction } from './built-function.ts';

/** Starts a project from `template` in `folder`, which must not exist, builds it and runs its cases. */
export async function tryTemplate(template: string, folder: string): Promise<void> {
  const files = await scaffold(template, folder, 'my-function');
  for (const file of ['cloudlet.json', 'README.md', 'test/cases.json']) assert.ok(files.includes(file), file);
  assert.not.match(files.join(), 'build');
  assert.not.match(await readFile(join(folder, 'README.md'), 'utf8'), template);
  const fn = await BuiltFunction.open(folder);
  try {
    assert.is(fn.build.project.name, 'my-function');
    for (const each of await readCases(folder)) await checkCase(fn, each);
  } finally {
    await fn.close();
  }
}

async function checkCase(fn: BuiltFunction, each: Case): Promise<void> {
  const text = JSON.stringify(each);
  if ('call' in each) return assert.equal(await fn.call(each.call, ...each.arguments), each.answer, text);
  if ('run' in each) {
    const { status, stdout } = await fn.run(each.run, Buffer.from(each.input));
    return assert.equal([status, Buffer.from(stdout).toString()], [each.status, each.output], text);
  }
  const body = each.body === undefined ? {} : { body: Buffer.from(each.body) };
  const answer = await fn.http(each.path, { method: each.http, ...body });
  assert.equal([answer.status, answer.text], [each.status, each.answer], text);
}
