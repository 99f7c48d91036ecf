import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_WRONG_TOKENS, SESSION_MS, SessionStore, WrongTokens } from '../../../host/trust/index.ts';

const sessions = suite('sessions and wrong tokens');

sessions('a session lives while it is used, and twelve hours longer', () => {
  let now = 0;
  const store = new SessionStore(() => now);
  const { secret, expiresAt } = store.open();
  assert.is(expiresAt.getTime(), SESSION_MS);
  now = SESSION_MS - 1;
  assert.is(store.use(secret)?.getTime(), now + SESSION_MS);
  now += SESSION_MS - 1;
  assert.ok(store.use(secret));
  now += SESSION_MS;
  assert.is(store.use(secret), null);
  assert.is(store.use(secret), null, 'and stays over');
});

sessions('a closed session is over at once, another one is not', () => {
  const store = new SessionStore();
  const [one, other] = [store.open(), store.open()];
  store.close(one.secret);
  assert.is(store.use(one.secret), null);
  assert.ok(store.use(other.secret));
});

sessions('the thousand-and-first session takes the place of the one that was not used longest', () => {
  const store = new SessionStore();
  const first = store.open();
  const second = store.open();
  for (let i = 2; i < 1000; i++) store.open();
  store.use(first.secret);
  store.open();
  assert.is(store.use(second.secret), null);
  assert.ok(store.use(first.secret));
});

sessions('secrets are long and differ', () => {
  const store = new SessionStore();
  const secrets = new Set(Array.from({ length: 50 }, () => store.open().secret));
  assert.is(secrets.size, 50);
  for (const secret of secrets) assert.match(secret, /^[\w-]{43}$/);
});

sessions('an address has ten wrong tokens a minute, others are not concerned', () => {
  let now = 1000;
  const wrong = new WrongTokens(() => now);
  for (let i = 0; i < MAX_WRONG_TOKENS; i++) wrong.note('a');
  assert.throws(
    () => wrong.note('a'),
    (error: { code: string; retryAfterS: number }) => error.code === 'too-many-attempts' && error.retryAfterS === 60,
  );
  wrong.note('b');
  now += 60_000;
  wrong.note('a');
});

sessions.run();
