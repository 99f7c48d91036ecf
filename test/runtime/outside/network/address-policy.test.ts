import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressPolicy, kindOf } from '../../../../runtime/outside/network/address-policy.ts';
import { formatIp, parseIp, parseRange } from '../../../../runtime/outside/network/ip-address.ts';

const policy = suite('the address policy');

for (const [address, kind] of [
  ['8.8.8.8', 'public'],
  ['1.1.1.1', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.128.0.0', 'public'],
  ['223.255.255.255', 'public'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'shared'],
  ['100.127.255.255', 'shared'],
  ['100.100.100.200', 'metadata'],
  ['169.254.1.1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['192.0.0.1', 'reserved'],
  ['192.0.2.1', 'documentation'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.1', 'documentation'],
  ['198.18.0.1', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['224.0.0.251', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['2606:4700:4700::1111', 'public'],
  ['2a00:1450::1', 'public'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'private'],
  ['fc00::1', 'private'],
  ['fd12:3456::1', 'private'],
  ['fd00:ec2::254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['ff02::fb', 'multicast'],
  ['2001:db8::1', 'documentation'],
  ['3fff::1', 'documentation'],
  ['2001:2::1', 'benchmarking'],
  ['2001:10::1', 'reserved'],
  ['100::1', 'reserved'],
  ['4000::1', 'reserved'],
  // An IPv4 address inside of an IPv6 address.
  ['::ffff:8.8.8.8', 'public'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['::ffff:a9fe:a9fe', 'metadata'],
  ['::ffff:10.0.0.1', 'private'],
  ['::8.8.8.8', 'public'],
  ['::127.0.0.1', 'loopback'],
  ['::192.168.0.1', 'private'],
  ['::2', 'unspecified'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['64:ff9b::169.254.169.254', 'metadata'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b:1::8.8.8.8', 'private'],
  ['64:ff9b:1:a9fe:a9:fe00::', 'private'],
  ['2002:808:808::1', 'public'],
  ['2002:7f00:1::1', 'loopback'],
  ['2002:a9fe:a9fe::', 'metadata'],
  ['2002:c0a8:101::', 'private'],
  // Teredo: the server is written as it is, the client with its bits turned over.
  ['2001:0:808:808:0:0:f7f7:f7f7', 'public'],
  ['2001:0:7f00:1:0:0:f7f7:f7f7', 'loopback'],
  ['2001:0:808:808:0:0:80ff:fffe', 'loopback'],
  ['2001:0:808:808:0:0:5601:5601', 'metadata'],
] as const) {
  policy(`${address} is ${kind}, and is reached only if public`, () => {
    const bytes = parseIp(address)!;
    assert.is(kindOf(bytes), kind);
    assert.is(addressPolicy([])(bytes), kind === 'public');
  });
}

for (const [ranges, address, allowed] of [
  [['127.0.0.0/8'], '127.0.0.1', true],
  [['127.0.0.0/8'], '::1', false],
  [['127.0.0.0/8'], '::ffff:127.0.0.1', true],
  [['127.0.0.0/8'], '64:ff9b::127.0.0.1', true],
  [['127.0.0.1'], '127.0.0.2', false],
  [['::1'], '::1', true],
  [['10.0.0.0/8'], '192.168.0.1', false],
  [['10.0.0.0/8', '192.168.4.0/22'], '192.168.7.255', true],
  [['10.0.0.0/8', '192.168.4.0/22'], '192.168.8.0', false],
  [['fd00::/8'], 'fd01::1', true],
  [['fd00::/8'], 'fd00:ec2::254', false],
  [['0.0.0.0/0', '::/0'], '10.1.1.1', true],
  [['0.0.0.0/0', '::/0'], '169.254.169.254', false],
  [['0.0.0.0/0', '::/0'], '::ffff:169.254.169.254', false],
  [['169.254.169.254/32'], '169.254.169.254', true],
  [['169.254.169.254'], '::ffff:169.254.169.254', true],
  [['8.8.8.0/24'], '2001:0:808:808:0:0:80ff:fffe', false],
  [['127.0.0.0/8'], '2001:0:808:808:0:0:80ff:fffe', true],
] as const) {
  policy(`with ${ranges.join(', ')} ${address} is ${allowed ? 'reached' : 'not reached'}`, () => {
    assert.is(addressPolicy(ranges)(parseIp(address)!), allowed);
  });
}

for (const text of [
  '',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/08',
  '10.0.0/8',
  '10.0.0.0/8/8',
  'fd00::/129',
  'example.org',
  '0x7f.0.0.1',
  'fe80::1%eth0',
])
  policy(`${JSON.stringify(text)} is no range`, () => {
    assert.is(parseRange(text), null);
    assert.throws(() => addressPolicy([text]), /expected a range of addresses/);
  });

for (const text of [
  '1.2.3',
  '01.2.3.4',
  '1.2.3.256',
  '1.2.3.4.5',
  '0x7f.0.0.1',
  '2130706433',
  ':::',
  '1::2::3',
  'fe80::1%1',
  '[::1]',
  '::ffff:1.2.3',
  ' 1.2.3.4',
  '',
])
  policy(`${JSON.stringify(text)} is no address`, () => assert.is(parseIp(text), null));

for (const [text, canonical] of [
  ['1.2.3.4', '1.2.3.4'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['::', '::'],
  ['1::', '1::'],
  ['::ffff:1.2.3.4', '::ffff:102:304'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
] as const)
  policy(`${text} is written ${canonical}`, () => {
    assert.is(formatIp(parseIp(text)!), canonical);
    assert.equal(parseIp(canonical), parseIp(text));
  });

policy.run();
