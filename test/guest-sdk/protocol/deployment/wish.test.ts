import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, parseDeploymentRequest } from '../../../../guest-sdk/protocol/index.ts';

const wish = suite('what is asked of a deployment');

/** A document with so many levels inside. */
const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);

wish('documents may be as deep as any that is meant', () => {
  const request = { want: { service: 'ocr', overlay: { a: nested(12) } } };
  assert.equal(parseDeploymentRequest(request).want, request.want);
});

wish('a function may be in a registry, with credentials for it', () => {
  const from = 'oci://images.example/team/photo:v1';
  const request = { want: { function: 'photo', from }, credentials: 'me:secret' };
  assert.equal(parseDeploymentRequest(request).credentials, 'me:secret');
  assert.throws(() => parseDeploymentRequest({ ...request, credentials: 'me' }), /credentials as user:password/);
});

for (const [what, want] of [
  ['a service in a registry', { service: 'ocr', from: 'oci://images.example/ocr' }],
  ['an address in a registry that is none', { function: 'photo', from: 'oci://images.example/UPPER' }],
  ['an overlay of a million levels', { service: 'ocr', overlay: { a: nested(1_000_000) } }],
  ['a recipe of a hundred levels', { service: 'ocr', recipe: { a: nested(100) } }],
  ['an address of a file', { function: 'photo', from: 'file:///etc/passwd' }],
  ['another key', { function: 'photo', command: 'sh' }],
] as const)
  wish(`${what} is refused as such`, () => {
    try {
      parseDeploymentRequest({ want });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, CloudletError);
      assert.is((error as CloudletError).code, 'request-invalid');
    }
  });

wish.run();
