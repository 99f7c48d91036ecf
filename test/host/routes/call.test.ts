import { Packr, Unpackr } from 'msgpackr';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS } from '../../../runtime/index.ts';
import { AS_OWNER, testHost } from '../memory-engine.ts';

const call = suite('typed calls');
const JSON_TYPE = { ...AS_OWNER, 'content-type': 'application/json' };
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'bigint' });

call('JSON in, JSON out, with the figures of the invocation', async () => {
  const { app, engine } = testHost();
  const response = await app.request('/v1/functions/hello/call/greet', {
    method: 'POST',
    headers: JSON_TYPE,
    body: '["Ada", {"n": null}]',
  });
  assert.is(response.status, 200);
  assert.is(response.headers.get('content-type'), 'application/json');
  assert.is(response.headers.get('server-timing'), 'queue;dur=0, start;dur=0;desc="idle", run;dur=1');
  assert.is(response.headers.get('cloudlet-invocation-id'), 'i2');
  assert.equal(await response.json(), ['Ada', { n: null }]);
  assert.equal(engine.started, ['call hello greet']);
});

call('an export of an interface is percent-encoded', async () => {
  const { app, engine } = testHost();
  await app.request(`/v1/functions/hello/call/${encodeURIComponent('ns:pkg/iface@1.0.0.add-all')}`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: '[]',
  });
  assert.is(engine.lastCall.target, 'ns:pkg/iface@1.0.0.add-all');
});

call('MessagePack carries bytes and 64 bits both ways', async () => {
  const { app, engine } = testHost();
  const args = [2n ** 63n, -(2n ** 63n), Buffer.from([0, 255]), 1.5];
  const response = await app.request('/v1/functions/hello/call/f', {
    method: 'POST',
    headers: { ...AS_OWNER, 'content-type': 'application/msgpack', accept: 'application/msgpack' },
    body: new Uint8Array(packr.pack(args)),
  });
  assert.is(response.headers.get('content-type'), 'application/msgpack');
  assert.equal(unpackr.unpack(Buffer.from(await response.arrayBuffer())), args);
  assert.equal(
    [engine.lastCall.options?.argumentFormat, engine.lastCall.options?.resultFormat],
    ['msgpack', 'msgpack'],
  );
});

call('the answer follows Accept, not Content-Type', async () => {
  const { app, engine } = testHost();
  const headers = { ...JSON_TYPE, accept: 'application/json;q=0.1, application/msgpack' };
  const response = await app.request('/v1/functions/hello/call/f', { method: 'POST', headers, body: '[1]' });
  assert.equal(unpackr.unpack(Buffer.from(await response.arrayBuffer())), [1]);
  assert.equal([engine.lastCall.options?.argumentFormat, engine.lastCall.options?.resultFormat], ['json', 'msgpack']);
});

call('a POST without body has no arguments, and no result is null', async () => {
  const { app, engine } = testHost();
  engine.result = () => undefined;
  const response = await app.request('/v1/functions/hello/call/f', { method: 'POST', headers: AS_OWNER });
  assert.equal([response.status, await response.text(), engine.lastCall.args], [200, 'null', []]);
});

call('deadline and idempotency reach the engine', async () => {
  const { app, engine } = testHost();
  const headers = { ...JSON_TYPE, 'cloudlet-deadline-ms': '250', 'idempotency-key': 'k-1' };
  await app.request('/v1/functions/hello/call/f', { method: 'POST', headers, body: '[]' });
  assert.equal([engine.lastCall.options?.deadlineMs, engine.lastCall.options?.idempotent], [250, true]);
  await app.request('/v1/functions/hello/call/f', { method: 'POST', headers: JSON_TYPE, body: '[]' });
  assert.equal([engine.lastCall.options?.deadlineMs, engine.lastCall.options?.idempotent], [undefined, false]);
});

call('arguments over the limit are refused', async () => {
  const { app, engine } = testHost({ limits: { ...DEFAULT_LIMITS, valueBytes: 10 } });
  const response = await app.request('/v1/functions/hello/call/f', {
    method: 'POST',
    headers: JSON_TYPE,
    body: '["12345678"]',
  });
  assert.is(response.status, 413);
  assert.equal(engine.started, []);
});

call.run();
