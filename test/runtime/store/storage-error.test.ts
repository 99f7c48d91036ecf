import { DatabaseSync } from 'node:sqlite';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { asStorageError, isMissing } from '../../../runtime/store/index.ts';

const storageError = suite('storage error');

storageError('a database that cannot grow is storage-full', () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE t (x TEXT) STRICT; PRAGMA max_page_count = 2');
  try {
    database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(100_000));
    assert.unreachable('expected the database to be full');
  } catch (error) {
    const storage = asStorageError(error);
    assert.instance(storage, CloudletError);
    assert.is((storage as CloudletError).code, 'storage-full');
    assert.is((storage as CloudletError).cause, error);
  }
  database.close();
});

for (const code of ['ENOSPC', 'EDQUOT']) {
  storageError(`${code} is storage-full`, () => {
    assert.is((asStorageError(Object.assign(new Error(code), { code })) as CloudletError).code, 'storage-full');
  });
}

storageError('anything else comes back as it is', () => {
  for (const thrown of [Object.assign(new Error('x'), { code: 'EACCES' }), 'text', undefined, null, 13]) {
    assert.is(asStorageError(thrown), thrown);
  }
  assert.ok(isMissing({ code: 'ENOENT' }));
  assert.not(isMissing(null));
});

storageError.run();
