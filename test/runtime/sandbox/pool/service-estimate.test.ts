import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ServiceEstimate } from '../../../../runtime/sandbox/pool/service-estimate.ts';

const estimate = suite('a service estimate');

estimate('moves with the latest invocations', () => {
  const service = new ServiceEstimate();
  assert.is(service.drainMs(8, 4), 0);
  service.served(100);
  assert.is(service.drainMs(8, 4), 200);
  service.served(200);
  assert.is(service.drainMs(8, 4), 240);
});

for (const [what, waiting, starting, seconds] of [
  ['a moment', 1, false, 1],
  ['as long as those before take', 40, false, 20],
  ['a start more when there is no sandbox', 40, true, 25],
  ['no longer than a person would wait', 1000, false, 60],
] as const) {
  estimate(`lets one who is sent away wait ${what}`, () => {
    const service = new ServiceEstimate();
    service.served(2000);
    service.started(5000);
    assert.is(service.retryAfterS(waiting, 4, starting), seconds);
  });
}

estimate.run();
