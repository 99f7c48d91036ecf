import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ABSENT_GROUPS,
  ABSENT_SYMBOLS,
  absentSource,
  absentSymbols,
  refusedSymbol,
} from '../../../../guest-sdk/build/foreign/refused-symbol.ts';

const refusing = suite('functions that are refused');

refusing('say why, and what to do instead', () => {
  for (const name of ['pthread_create', 'fork', 'dlopen', 'socket', 'pipe', '__cxa_throw', 'makecontext']) {
    const { why, instead } = refusedSymbol(name)!;
    assert.ok(why.length > 10 && instead.length > 10, name);
  }
  for (const name of ['printf', 'toString', 'constructor', '']) assert.is(refusedSymbol(name), null);
});

refusing('can be absent by name or by kind', () => {
  assert.equal(absentSymbols(['fork', 'dlopen']), { symbols: ['dlopen', 'fork'], unknown: null });
  const { symbols } = absentSymbols(['network', 'connect']);
  assert.ok(symbols.includes('socket') && symbols.includes('getaddrinfo') && !symbols.includes('fork'));
  assert.is(new Set(symbols).size, symbols.length);
  for (const name of ['printf', 'makecontext', '', '__cxa_throw', 'contexts '])
    assert.is(absentSymbols(['fork', name]).unknown, name);
});

refusing('are of kinds that each have a function', () => {
  assert.ok(ABSENT_GROUPS.includes('threads') && ABSENT_GROUPS.includes('processes'));
  for (const group of ABSENT_GROUPS) assert.ok(ABSENT_SYMBOLS.some((name) => refusedSymbol(name)!.group === group));
});

refusing('fail when they are absent: with as many parameters as they have', () => {
  const source = absentSource(['fork', 'pthread_create']);
  assert.match(source, '__SIZE_TYPE__ fork(void) { errno = ENOSYS; return (__SIZE_TYPE__)-1; }');
  assert.match(source, 'pthread_create(int a0, int a1, int a2, int a3) { errno = ENOSYS; return (__SIZE_TYPE__)6; }');
});

refusing.run();
