import type { StatementSync } from 'node:sqlite';
import type { Deployment, DeploymentEvent } from '../../../guest-sdk/protocol/index.ts';
import type { Database } from '../../outside/database.ts';

/** How much is remembered. */
export interface HistoryLimits {
  /** Deployments that ended. */
  readonly ended: number;
  /** Events of one deployment; the oldest go first. */
  readonly events: number;
  /** Text of one deployment's events, characters, about: a script may write for ever. */
  readonly characters: number;
}

const LIMITS: HistoryLimits = { ended: 200, events: 1000, characters: 1024 * 1024 };

/** What is told, before it has a number. */
export type UnnumberedEvent = DeploymentEvent extends infer E
  ? E extends DeploymentEvent
    ? Omit<E, 'id'>
    : never
  : never;

/**
 * Deployments and what was told of each, in a database: an event that somebody read has its number for ever, also after the host was
 * killed. Writes go to the page cache; only a loss of power can cost the last of them.
 */
export class DeploymentHistory {
  readonly #database: Database;
  readonly #limits: HistoryLimits;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #append: StatementSync;
  readonly #trim: StatementSync;
  readonly #shorten: StatementSync;
  readonly #last: StatementSync;
  readonly #one: StatementSync;
  readonly #after: StatementSync;

  constructor(database: Database, limits: Partial<HistoryLimits> = {}) {
    this.#database = database;
    this.#limits = { ...LIMITS, ...limits };
    this.#insert = database.prepare('INSERT INTO deployments (id, began, ended, state) VALUES (?, ?, 0, ?)');
    this.#update = database.prepare('UPDATE deployments SET ended = ?, state = ? WHERE id = ?');
    this.#append = database.prepare('INSERT INTO events (deployment, id, event, data) VALUES (?, ?, ?, ?)');
    this.#trim = database.prepare('DELETE FROM events WHERE deployment = ? AND id <= ?');
    this.#shorten = database.prepare(
      `DELETE FROM events WHERE deployment = ?1 AND id <= (
         SELECT max(id) FROM (
           SELECT id, sum(length(data)) OVER (ORDER BY id DESC) AS characters FROM events WHERE deployment = ?1
         ) WHERE characters > ?2)`,
    );
    this.#last = database.prepare('SELECT max(id) AS id FROM events WHERE deployment = ?');
    this.#one = database.prepare('SELECT state FROM deployments WHERE id = ?');
    this.#after = database.prepare(
      'SELECT id, event, data FROM events WHERE deployment = ? AND id > ? ORDER BY id LIMIT 100',
    );
  }

  /** Remembers a new deployment; its first event is its state. */
  begin(deployment: Deployment): void {
    this.#database.transaction(() => {
      this.#insert.run(deployment.id, Date.parse(deployment.startedAt), JSON.stringify(deployment));
      this.#append.run(deployment.id, 1, 'state', JSON.stringify(deployment));
    });
  }

  /** Remembers a deployment's state and what is told of it, together. */
  tell(deployment: Deployment, events: readonly UnnumberedEvent[]): void {
    this.#database.transaction(() => {
      let { id } = this.#last.get(deployment.id) as { id: number };
      this.#update.run(deployment.endedAt === null ? 0 : 1, JSON.stringify(deployment), deployment.id);
      for (const { event, data } of events) {
        id += 1;
        this.#append.run(deployment.id, id, event, JSON.stringify(data));
        if (id % 64 !== 0) continue;
        this.#trim.run(deployment.id, id - this.#limits.events);
        this.#shorten.run(deployment.id, this.#limits.characters);
      }
    });
  }

  /** A deployment's last known state; undefined when there is none, or it ended long ago. */
  find(id: string): Deployment | undefined {
    const row = this.#one.get(id) as { state: string } | undefined;
    return row && (JSON.parse(row.state) as Deployment);
  }

  /** The kept events of a deployment behind the one with a number, at most 100. */
  after(id: string, last: number): DeploymentEvent[] {
    const rows = this.#after.all(id, last) as unknown as { id: number; event: string; data: string }[];
    return rows.map((row) => ({ id: row.id, event: row.event, data: JSON.parse(row.data) }) as DeploymentEvent);
  }

  /** The number behind which somebody goes on who says that it was the last: 0 when it is none yet, as after a loss of power, which may have cost events. */
  resumed(id: string, last: number): number {
    const { id: newest } = this.#last.get(id) as { id: number | null };
    return last > (newest ?? 0) ? 0 : last;
  }

  /** All that are remembered, newest first. */
  list(): Deployment[] {
    const rows = this.#database.prepare('SELECT state FROM deployments ORDER BY began DESC, rowid DESC').all();
    return (rows as unknown as { state: string }[]).map(({ state }) => JSON.parse(state) as Deployment);
  }

  /** Those that had not ended. */
  unfinished(): Deployment[] {
    return this.list().filter(({ endedAt }) => endedAt === null);
  }

  /** Forgets a deployment. */
  remove(id: string): void {
    this.#database.prepare('DELETE FROM deployments WHERE id = ?').run(id);
  }

  /** Forgets those that ended longest ago, beyond the limit. */
  prune(): void {
    this.#database
      .prepare(
        `DELETE FROM deployments WHERE id IN
           (SELECT id FROM deployments WHERE ended = 1 ORDER BY began DESC, rowid DESC LIMIT -1 OFFSET ?)`,
      )
      .run(this.#limits.ended);
    this.#database.shrink();
  }
}
