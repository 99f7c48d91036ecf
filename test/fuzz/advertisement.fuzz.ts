import { strictEqual } from 'node:assert/strict';
import dnsPacket from 'dns-packet';
import { type DnsRecord, SERVICE_NAME, Sightings } from '../../guest-sdk/client/sighting.ts';
import { advertisementText, CloudletError, parseAdvertisement } from '../../guest-sdk/protocol/index.ts';
import { answerTo, isConflict } from '../../host/discovery/answer.ts';
import { serviceRecords } from '../../host/discovery/service-records.ts';
import type { SeededRandom } from '../support/random.ts';

const FACTS = { id: 'cl-0a1b2c3d', version: '0.1.0', path: '/v1', publicKey: null, tls: false, auth: 'token' };
const TEXT = advertisementText(FACTS);
const RECORDS = serviceRecords({ name: 'Ada', id: FACTS.id, port: 8080, text: TEXT }, '192.0.2.7');
const RESPONSE = dnsPacket.encode({ type: 'response', answers: [...RECORDS.all] as dnsPacket.Answer[] });
const QUERY = dnsPacket.encode({ type: 'query', questions: [{ name: SERVICE_NAME, type: 'PTR' }] });

/** Packets of strangers: whatever decodes must not throw, and nothing is believed that could be used against its reader. */
export default function round(random: SeededRandom): void {
  try {
    parseAdvertisement(TEXT.map((string) => random.mutate(Buffer.from(string))));
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
  }
  const packet = decoded(random.mutate(random.pick([RESPONSE, QUERY])));
  if (packet === null) return;
  const sightings = new Sightings();
  sightings.hear([...(packet.answers ?? []), ...(packet.additionals ?? [])] as DnsRecord[]);
  for (const { name, url, facts } of sightings.found()) {
    strictEqual(/\p{Cc}/u.test(name), false);
    strictEqual(new URL(url).pathname, '/');
    strictEqual(/^\/[\w./-]*$/.test(facts.path), true);
  }
  const asked = packet as { questions?: DnsRecord[]; answers?: DnsRecord[] };
  answerTo(asked, RECORDS);
  isConflict(asked, RECORDS);
}

/** As `multicast-dns` does it: what does not decode is dropped. */
function decoded(bytes: Uint8Array): dnsPacket.Packet | null {
  try {
    return dnsPacket.decode(Buffer.from(bytes));
  } catch {
    return null;
  }
}
