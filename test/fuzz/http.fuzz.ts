import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { headersFromGuest } from '../../host/http/guest-headers.ts';
import { negotiate, parseMediaType, requireMediaType } from '../../host/http/media-type.ts';
import { hostOf, isOwnOrigin, ownNames } from '../../host/trust/index.ts';
import type { FuzzTarget } from './run.ts';

const SEEDS = [
  'localhost:8080',
  '[::1]:80',
  'application/json; charset="utf-8"',
  'a/b;q=0.5, */*',
  'http://localhost:8080',
  'x-name',
  'a, b',
];
const names = ownNames({ bind: '127.0.0.1', id: 'cl-0' });

/** Headers of strangers and of guests: only the exact own names are own, only valid fields leave, and refusals are `CloudletError`. */
const http: FuzzTarget = (random) => {
  const text = (): string => Buffer.from(random.mutate(Buffer.from(random.pick(SEEDS)))).toString('latin1');

  const host = text();
  if (names.includes(host) && !/^(localhost|127\.0\.0\.1|\[::1\]|cl-0\.local)\.?(:\d{1,5})?$/i.test(host)) {
    throw new Error(`took ${JSON.stringify(host)} for an own name`);
  }
  hostOf(text());
  if (isOwnOrigin(text(), 'localhost:8080')) return;
  parseMediaType(text());
  refusing(() => negotiate(text(), ['application/json', 'application/msgpack']));
  refusing(() => requireMediaType(text(), { 'application/json': 'json' }));
  refusing(() => {
    const { fields } = headersFromGuest([
      [text(), Buffer.from(text(), 'latin1')],
      [text(), random.bytes(random.below(9))],
    ]);
    for (const [name, value] of fields) {
      if (/[^!#$%&'*+.^_`|~0-9a-z-]/.test(name) || /[\r\n\0]/.test(value))
        throw new Error(`let ${JSON.stringify([name, value])} out`);
    }
  });
};

function refusing(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
  }
}

export default http;
