import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyGrant, type VersionList } from '../../../guest-sdk/protocol/index.ts';
import type { Engine } from '../../../host/parts.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const versions = suite('the routes of versions');
const LIST: VersionList = { name: 'hello', versions: [], split: null, retain: 10 };
const DESCRIBED = {
  ...{ version: 2, digest: 'sha256:2', sizeBytes: 1, doors: [], exports: [], imports: [] },
  ...{ grant: emptyGrant(), files: [] },
};

/** A host whose versions note what they are asked. */
function host() {
  const { app, engine } = testHost();
  const asked: unknown[] = [];
  const noting =
    (what: string, answer: unknown) =>
    (...words: unknown[]): unknown => {
      asked.push([what, ...words]);
      return answer;
    };
  engine.versions = {
    list: noting('list', LIST),
    describe: noting('describe', DESCRIBED),
    diff: noting('diff', {}),
    share: noting('share', LIST),
    retain: noting('retain', LIST),
    remove: noting('remove', undefined),
  } as unknown as Engine['versions'];
  return { app, asked };
}

const SPLIT = {
  versions: [
    { version: 1, percent: 90 },
    { version: 2, percent: 10 },
  ],
  sticky: 'header:x-user',
};

for (const [method, path, body, status, asked] of [
  ['GET', 'versions', undefined, 200, ['list', 'hello']],
  ['GET', 'versions/2', undefined, 200, ['describe', 'hello', 2]],
  ['DELETE', 'versions/2', undefined, 204, ['remove', 'hello', 2]],
  ['GET', 'diff?from=1&to=2', undefined, 200, ['diff', 'hello', 1, 2]],
  ['GET', 'diff', undefined, 200, ['diff', 'hello', undefined, undefined]],
  ['PUT', 'split', { split: SPLIT }, 200, ['share', 'hello', SPLIT]],
  ['PUT', 'split', { split: null }, 200, ['share', 'hello', null]],
  ['PUT', 'retain', { versions: 3 }, 200, ['retain', 'hello', 3]],
  ['GET', 'versions/0', undefined, 400, null],
  ['GET', 'versions/x', undefined, 400, null],
  ['GET', 'diff?from=-1', undefined, 400, null],
  ['PUT', 'split', { split: { versions: [{ version: 1, percent: 99 }] } }, 400, null],
  ['PUT', 'split', { split: { versions: [] } }, 400, null],
  ['PUT', 'split', { split: { ...SPLIT, sticky: 'x-user' } }, 400, null],
  ['PUT', 'split', { split: { versions: [SPLIT.versions[0], SPLIT.versions[0], SPLIT.versions[1]] } }, 400, null],
  ['PUT', 'retain', { versions: 0 }, 400, null],
] as const)
  versions(`${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}: ${status}`, async () => {
    const made = host();
    const headers = { ...AS_OWNER, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await made.app.request(`/v1/functions/hello/${path}`, request);
    assert.is(response.status, status, await response.text());
    assert.equal(made.asked, asked === null ? [] : [asked]);
  });

versions('strangers are asked who they are', async () => {
  const { app } = testHost();
  for (const path of ['versions', 'diff', 'versions/1'])
    assert.is((await app.request(`/v1/functions/hello/${path}`)).status, 401);
});

versions.run();
