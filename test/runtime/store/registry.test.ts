import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type Digest,
  digestOfHex,
  type ErrorCode,
  parseName,
} from '../../../guest-sdk/protocol/index.ts';
import { Registry } from '../../../runtime/store/index.ts';
import { migrate } from '../../../runtime/store/registry-schema.ts';

const registry = suite('registry');
let directory: string;
let opened: Registry;

const path = () => join(directory, 'registry.sqlite');
const open = (): Registry => Registry.open(path(), { now: () => new Date('2026-11-22T10:00:00Z') });

registry.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'cloudlet-registry-'));
  opened = open();
});
registry.after.each(() => {
  opened.close();
  rmSync(directory, { recursive: true });
});

const photo = parseName('photo');
const digest = (digit: string): Digest => digestOfHex(digit.repeat(64));
const component = (digit: string) => ({ digest: digest(digit), sizeBytes: 7, description: `{"of":"${digit}"}` });

function refused(work: () => unknown, code: ErrorCode, sentence: RegExp): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, code);
    assert.match((error as CloudletError).message, sentence);
    return;
  }
  assert.unreachable('expected a refusal');
}

registry('the first publish is version 1 and is found after reopening', () => {
  assert.equal(opened.publish(photo, component('a')), { version: 1, created: true });
  opened.close();
  opened = open();
  assert.equal(opened.get(photo), {
    name: 'photo',
    current: 1,
    versions: [
      {
        version: 1,
        digest: digest('a'),
        sizeBytes: 7,
        publishedAt: '2026-11-22T10:00:00.000Z',
        description: '{"of":"a"}',
        package: null,
      },
    ],
  });
});

registry('the digest of the current version again writes nothing', () => {
  opened.publish(photo, component('a'));
  assert.equal(opened.publish(photo, component('a')), { version: 1, created: false });
  assert.is(opened.get(photo).versions.length, 1);
});

registry('an older digest again is a new version', () => {
  opened.publish(photo, component('a'));
  opened.publish(photo, component('b'));
  assert.equal(opened.publish(photo, component('a')), { version: 3, created: true });
});

registry('rollback moves the pointer back, keeps the versions, and the next publish takes the next number', () => {
  for (const digit of ['a', 'b', 'c']) opened.publish(photo, component(digit));
  assert.is(opened.rollback(photo).current, 2);
  assert.is(opened.rollback(photo).current, 1);
  refused(() => opened.rollback(photo), 'version-unknown', /before 1, found none/);
  assert.is(opened.rollback(photo, 3).current, 3);
  assert.is(opened.rollback(photo, 1).current, 1);
  assert.equal(opened.publish(photo, component('a')), { version: 1, created: false });
  assert.equal(opened.publish(photo, component('d')), { version: 4, created: true });
  assert.equal(
    opened.get(photo).versions.map((version) => version.version),
    [1, 2, 3, 4],
  );
});

registry('a version on trial is current, and what it came with holds, once it is promoted', () => {
  opened.publish(photo, { ...component('a'), tag: 'good' });
  const made = { ...component('b'), tag: 'good', pin: 'key' };
  assert.equal(opened.publish(photo, { ...made, onTrial: true }), { version: 2, created: true });
  assert.equal([opened.get(photo).current, opened.tags.find(photo, 'good')], [1, 1]);
  assert.is(opened.publishers.pinned(photo), undefined);
  opened.promote(photo, 2, made);
  assert.equal([opened.get(photo).current, opened.tags.find(photo, 'good')], [2, 2]);
  assert.is(opened.publishers.pinned(photo), 'key');

  opened.publish(photo, { ...component('c'), onTrial: true });
  opened.publish(photo, component('d'));
  opened.promote(photo, 3, component('c'));
  assert.is(opened.get(photo).current, 4, 'a later publish is not taken back');
  opened.removeVersion(photo, 3);
  refused(() => opened.promote(photo, 3, component('c')), 'version-unknown', /\(1, 2, 4\), got 3/);
});

registry('one version is read without the others, which may be many', () => {
  opened.publish(photo, component('a'));
  opened.publish(photo, component('b'));
  const other = new DatabaseSync(path());
  other.exec("UPDATE versions SET digest = 'damaged' WHERE version = 1");
  other.close();
  assert.is(opened.version(photo).digest, digest('b'));
  assert.is(opened.version(photo, 2).version, 2);
});

registry('unknown names and versions are refused with what there is', () => {
  refused(() => opened.get(photo), 'function-unknown', /"photo"/);
  refused(() => opened.remove(photo), 'function-unknown', /"photo"/);
  refused(() => opened.rollback(photo), 'function-unknown', /"photo"/);
  opened.publish(photo, component('a'));
  refused(() => opened.rollback(photo, 9), 'version-unknown', /\(1\), got 9/);
  refused(() => opened.version(photo, 9), 'version-unknown', /\(1\), got 9/);
});

registry('removing a function frees its digests and its numbers', () => {
  opened.publish(photo, component('a'));
  opened.publish(parseName('other'), component('a'));
  opened.publish(photo, component('b'));
  assert.ok(opened.inUse(digest('b')));
  opened.remove(photo);
  assert.not(opened.inUse(digest('b')));
  assert.ok(opened.inUse(digest('a')), 'another function has it too');
  assert.equal(
    opened.list().map((entry) => entry.name),
    ['other'],
  );
  assert.equal(opened.publish(photo, component('c')), { version: 1, created: true });
});

registry('a description can be replaced', () => {
  opened.publish(photo, component('a'));
  opened.describe(photo, 1, 'more');
  assert.is(opened.version(photo).description, 'more');
});

registry('functions are listed by name', () => {
  for (const name of ['b', 'a-1', 'a']) opened.publish(parseName(name), component('a'));
  assert.equal(
    opened.list().map((entry) => entry.name),
    ['a', 'a-1', 'b'],
  );
});

registry('a registry of a newer Cloudlet is refused', () => {
  opened.close();
  const database = new DatabaseSync(path());
  database.exec('PRAGMA user_version = 99');
  database.close();
  refused(open, 'conflict', /found 99: a newer Cloudlet/);
});

registry('a migration that fails leaves the schema as it was, also of the steps before', () => {
  const database = new DatabaseSync(':memory:');
  const steps = [
    'CREATE TABLE one (x) STRICT',
    'CREATE TABLE two (x INTEGER) STRICT; CREATE TABLE two (x INTEGER) STRICT',
  ];
  const good = 'CREATE TABLE one (x INTEGER) STRICT';
  assert.throws(() => migrate(database, steps));
  assert.equal({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 0 });
  assert.throws(() => migrate(database, [good, steps[1]!]));
  assert.equal({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 0 });
  migrate(database, [good]);
  assert.equal({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 1 });
  migrate(database, [good, 'CREATE TABLE two (x INTEGER) STRICT']);
  assert.equal({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 2 });
  database.close();
});

registry.run();
