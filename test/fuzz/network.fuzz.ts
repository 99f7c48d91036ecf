import * as assert from 'uvu/assert';
import { addressPolicy, kindOf } from '../../runtime/outside/network/address-policy.ts';
import { hostPatterns, parseDestination } from '../../runtime/outside/network/host-pattern.ts';
import { parseHttpRequest } from '../../runtime/outside/network/http/http-request.ts';
import { formatIp, parseIp } from '../../runtime/outside/network/ip-address.ts';
import { decodeDatagram, encodeDatagram } from '../../runtime/outside/network/messages.ts';
import { RecordReader, recordOf } from '../../runtime/outside/network/record.ts';
import { OutsideRefusal } from '../../runtime/outside/outside-service.ts';
import { memorySource } from '../../runtime/wasi/index.ts';
import type { SeededRandom } from '../support/random.ts';

const PIECES = [
  'a',
  '.',
  ':',
  '@',
  '[',
  ']',
  '/',
  '\\',
  '%',
  '0x7f',
  '127',
  '::1',
  'ffff',
  '*',
  ' ',
  '\0',
  '\r\n',
  '?',
  '#',
  'ü',
  '。',
  '１',
  '80',
  '-',
];
const ODD = [
  null,
  undefined,
  0,
  -1,
  1.5,
  true,
  '',
  [],
  {},
  'x'.repeat(1000),
  new Uint8Array(3),
  [['a', 'b']],
  [[1, new Uint8Array(1)]],
];

/** What agents and guests say of the network is understood in one way only, or refused. */
export default async function network(random: SeededRandom): Promise<void> {
  destinations(random);
  addresses(random);
  requests(random);
  await records(random);
}

/** A text that goes somewhere goes where a URL goes, and to nothing that a name alone would not allow. */
function destinations(random: SeededRandom): void {
  const text = Array.from({ length: random.below(8) }, () => random.pick(PIECES)).join('');
  const destination = parseDestination(text, 'http');
  if (destination === null) return;
  const { host, port } = destination;
  assert.not.match(host, /[@/?#\\%\s*]|[A-Z]|^\.|\.$/);
  assert.ok(port >= 1 && port <= 65535);
  assert.equal(parseDestination(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, 'http'), destination);
  assert.not.ok(hostPatterns(['granted.example:*'])(destination, 'http') && host !== 'granted.example');
}

/** An address and its text are one; whatever it carries, it is reached only if nothing that it carries forbids it. */
function addresses(random: SeededRandom): void {
  const bytes = Uint8Array.from({ length: random.pick([4, 16]) }, () =>
    random.pick([0, 1, 10, 127, 169, 254, 255, 0x20, 0x64, 0x9b, 0xff, random.below(256)]),
  );
  assert.equal(parseIp(formatIp(bytes)), bytes);
  assert.is(addressPolicy([])(bytes), kindOf(bytes) === 'public');
  const quad = bytes.subarray(0, 4);
  const mapped = Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, ...quad]);
  assert.is(addressPolicy([])(mapped), addressPolicy([])(quad));
}

/** Arguments become a request without a character that would end its line, or are refused. */
function requests(random: SeededRandom): void {
  const good = {
    method: random.pick(['GET', 'POST', 'X']),
    scheme: random.pick(['http', 'https']),
    authority: 'a.example',
    path: `/${random.pick(PIECES)}`,
    headers: [
      [
        random.pick(['a', 'host', 'content-length', 'x\r\ny', '']),
        Uint8Array.from({ length: random.below(4) }, () => random.below(256)),
      ],
    ],
    body: true,
    connectMs: null,
    firstByteMs: null,
    betweenBytesMs: null,
  };
  const args = random.below(2) === 0 ? good : { ...good, [random.pick(Object.keys(good))]: random.pick(ODD) };
  try {
    const sent = parseHttpRequest(random.below(20) === 0 ? random.pick(ODD) : args);
    assert.not.match([sent.method, sent.path, sent.host, ...sent.headers].join(''), /[\r\n\0]/);
  } catch (error) {
    assert.instance(error, OutsideRefusal);
  }
}

/** Records come out as they went in, however they are cut; what is no record is an end. */
async function records(random: SeededRandom): Promise<void> {
  const sent = Array.from({ length: random.below(5) }, () =>
    Uint8Array.from({ length: random.below(40) }, () => random.below(256)),
  );
  const bytes = Buffer.concat(sent.map(recordOf));
  const cut = random.below(3) === 0 ? random.below(bytes.length + 1) : bytes.length;
  const whole = memorySource(bytes.subarray(0, cut));
  const reader = new RecordReader({ ...whole, read: (max) => whole.read(1 + random.below(max)) });
  let complete = 0;
  for (let end = 0; complete < sent.length && end + 4 + sent[complete]!.length <= cut; complete++)
    end += 4 + sent[complete]!.length;
  for (const record of sent.slice(0, complete)) assert.equal(await reader.whole(40), record);
  assert.is(await reader.whole(40), null);
  const noise = Uint8Array.from({ length: random.below(30) }, () => random.pick([0, 4, 16, 255]));
  const datagram = decodeDatagram(noise);
  if (datagram !== null) assert.equal(encodeDatagram(datagram.peer, datagram.data), noise);
}
