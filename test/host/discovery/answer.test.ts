import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answerTo, isConflict, legacyAnswer } from '../../../host/discovery/answer.ts';
import { networksOf } from '../../../host/discovery/networks.ts';
import { goodbye, serviceRecords } from '../../../host/discovery/service-records.ts';

const answers = suite('answers of the responder');

const RECORDS = serviceRecords({ name: 'Ada', id: 'cl-0a1b2c3d', port: 8080, text: ['txtvers=1'] }, '192.0.2.7');
const [PTR, INSTANCE, HOST] = ['_cloudlet._tcp.local', 'Ada._cloudlet._tcp.local', 'cl-0a1b2c3d.local'];
const types = (records: readonly { readonly type: string }[] | undefined): string =>
  (records ?? []).map(({ type }) => type).join(' ');

const ASKED: readonly (readonly [what: string, name: string, type: string, answers: string, additionals: string])[] = [
  ['who is there', PTR, 'PTR', 'PTR', 'SRV TXT A NSEC'],
  ['who is there, in capitals', PTR.toUpperCase(), 'PTR', 'PTR', 'SRV TXT A NSEC'],
  ['which services there are', '_services._dns-sd._udp.local', 'PTR', 'PTR', ''],
  ['where the instance is', INSTANCE, 'SRV', 'SRV', 'A NSEC'],
  ['what the instance says', INSTANCE, 'TXT', 'TXT', ''],
  ['everything about the instance', INSTANCE, 'ANY', 'SRV TXT', 'A NSEC'],
  ['the address', HOST, 'A', 'A', 'NSEC'],
  ['an IPv6 address, of which there is none', HOST, 'AAAA', 'NSEC', ''],
];
for (const [what, name, type, expected, additionals] of ASKED) {
  answers(`to "${what}" are ${expected}`, () => {
    const answer = answerTo({ questions: [{ name, type }] }, RECORDS);
    assert.is(types(answer?.answers), expected);
    assert.is(types(answer?.additionals), additionals);
  });
}

for (const [what, name, type] of [
  ['another service', '_http._tcp.local', 'PTR'],
  ['another host', 'cl-ffffffff.local', 'A'],
  ['a type that we do not have', INSTANCE, 'A'],
] as const) {
  answers(`to a question for ${what} are none`, () =>
    assert.is(answerTo({ questions: [{ name, type }] }, RECORDS), null),
  );
}

answers('leave out what the asker knows and will know for long', () => {
  const known = (ttl: number, data = INSTANCE) => ({
    questions: [{ name: PTR, type: 'PTR' }],
    answers: [{ name: PTR, type: 'PTR', ttl, data }],
  });
  assert.is(answerTo(known(4500), RECORDS), null);
  assert.is.not(answerTo(known(2000), RECORDS), null);
  assert.is.not(answerTo(known(4500, `Bob.${PTR}`), RECORDS), null);
});

answers('to an old resolver repeat its question and are soon forgotten', () => {
  const query = { id: 77, questions: [{ name: HOST, type: 'A' }] };
  const answer = answerTo(query, RECORDS);
  assert.ok(answer);
  const legacy = legacyAnswer(query, answer);
  assert.is(legacy.id, 77);
  assert.equal(legacy.questions, query.questions);
  for (const record of [...(legacy.answers ?? []), ...(legacy.additionals ?? [])]) {
    assert.ok((record.ttl ?? 0) <= 10);
    assert.is((record as { flush?: boolean }).flush, false);
  }
});

answers('of another host with our name are a conflict, our own and a goodbye are none', () => {
  const says = (target: string, ttl = 120, name = INSTANCE) => ({
    answers: [{ name, type: 'SRV', ttl, data: { target, port: 1 } }],
  });
  assert.is(isConflict(says('cl-ffffffff.local'), RECORDS), true);
  assert.is(isConflict(says('CL-0a1b2c3d.LOCAL'), RECORDS), false);
  assert.is(isConflict(says('cl-ffffffff.local', 0), RECORDS), false);
  assert.is(isConflict(says('cl-ffffffff.local', 120, `Bob.${PTR}`), RECORDS), false);
  assert.is(isConflict({ answers: [{ name: INSTANCE, type: 'SRV', data: null }] }, RECORDS), false);
});

answers('that say goodbye take back all but the list of service types, which others share', () => {
  assert.is(types(goodbye(RECORDS)), 'PTR SRV TXT A NSEC');
  assert.ok(goodbye(RECORDS).every(({ ttl }) => ttl === 0));
});

const LO = { interface: 'lo', address: '127.0.0.1', netmask: '255.0.0.0' };
const WLAN = { interface: 'wlan0', address: '192.0.2.7', netmask: '255.255.255.0' };
const ETH = { interface: 'eth0', address: '198.51.100.7', netmask: '255.255.255.0' };
const ALL = [LO, WLAN, ETH];
for (const [bind, networks, expected] of [
  ['127.0.0.1', ALL, 'lo'],
  ['127.8.8.8', ALL, 'lo'],
  ['::ffff:127.0.0.1', ALL, 'lo'],
  ['0.0.0.0', ALL, 'wlan0 eth0'],
  ['::', ALL, 'wlan0 eth0'],
  ['192.0.2.7', ALL, 'wlan0'],
  ['203.0.113.1', ALL, ''],
  ['::1', ALL, ''],
  ['0.0.0.0', [LO], 'lo'],
  ['0.0.0.0', [], ''],
] as const) {
  answers(`of a host at ${bind} go to ${expected || 'nobody'} of ${networks.length} networks`, () => {
    assert.is(
      networksOf(bind, networks)
        .map((network) => network.interface)
        .join(' '),
      expected,
    );
  });
}

answers.run();
