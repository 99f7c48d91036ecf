import type { DnsPacket, DnsRecord } from '../../guest-sdk/client/mdns.ts';
import type { OwnRecord, ServiceRecords } from './service-records.ts';

/** What is sent for a query. */
export interface DnsAnswer {
  readonly answers: readonly OwnRecord[];
  readonly additionals: readonly OwnRecord[];
}

/** Longest lifetime in a unicast answer to an asker that does not speak multicast DNS, seconds (RFC 6762 section 6.7). */
const LEGACY_TTL_S = 10;

/** Which of our records answer a query, without those that the asker says it knows already; null when none does. */
export function answerTo(query: DnsPacket, records: ServiceRecords): DnsAnswer | null {
  const questions = query.questions ?? [];
  const answers = records.all.filter(
    (record) =>
      questions.some((question) => asksFor(question, record)) &&
      !(query.answers ?? []).some((known) => isKnown(known, record)),
  );
  if (answers.length === 0) return null;
  const companions = new Set(answers.flatMap((record) => records.companions.get(record) ?? []));
  return { answers, additionals: [...companions].filter((record) => !answers.includes(record)) };
}

/** The answer as an old resolver takes it: its own id and questions, short lives, nothing about caches of multicast DNS. */
export function legacyAnswer(query: DnsPacket, { answers, additionals }: DnsAnswer): DnsPacket {
  const plain = (record: OwnRecord): OwnRecord => ({
    ...record,
    flush: false,
    ttl: Math.min(record.ttl, LEGACY_TTL_S),
  });
  return {
    id: query.id,
    questions: query.questions,
    answers: answers.map(plain),
    additionals: additionals.map(plain),
  };
}

/** Whether another host says that it has our instance name: its location is not ours. */
export function isConflict(packet: DnsPacket, records: ServiceRecords): boolean {
  return [...(packet.answers ?? []), ...(packet.additionals ?? [])].some((record) => {
    if (record.type !== 'SRV' || record.ttl === 0 || !sameName(record.name, records.instance)) return false;
    const { target } = (record.data ?? {}) as { target?: unknown };
    return typeof target === 'string' && !sameName(target, records.host);
  });
}

function asksFor(question: DnsRecord, record: OwnRecord): boolean {
  if (!sameName(question.name, record.name)) return false;
  if (question.type === record.type || question.type === 'ANY') return true;
  // The record that says what there is not answers a question for what there is not.
  return record.type === 'NSEC' && question.type === 'AAAA';
}

/** Known-answer suppression: an asker that will know our record for half of its life need not hear it again. */
function isKnown(known: DnsRecord, record: OwnRecord): boolean {
  return (
    record.type === 'PTR' &&
    known.type === 'PTR' &&
    sameName(known.name, record.name) &&
    typeof known.data === 'string' &&
    sameName(known.data, String(record.data)) &&
    (known.ttl ?? 0) * 2 >= record.ttl
  );
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
