// The ledger in one SQLite file: for n8n in regular mode, with nothing to set up.
// node:sqlite is synchronous: each call is one short transaction over a small batch, never a loop over the
// table, so that n8n's event loop is held for milliseconds at most.
import type {
  Candidate,
  Claim,
  Cursor,
  EventState,
  Ledger,
  NewSubscription,
  Offer,
  OfferRequest,
  Outcome,
  Pointer,
  RecordBatch,
  SourceReport,
  Subscription,
} from '../ledger';
import { SqliteConnection } from './connection';
import * as deliver from './deliver';
import { openDatabase } from './open';
import * as record from './record';

/** @param file path of the ledger's file; made where missing */
export async function openSqliteLedger(file: string): Promise<Ledger> {
  return new SqliteLedger(new SqliteConnection(await openDatabase(file)));
}

class SqliteLedger implements Ledger {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async subscribe(subscription: NewSubscription): Promise<Subscription> {
    return record.subscribe(this.#connection, subscription);
  }

  async cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>> {
    return record.cursors(this.#connection, subscriptionIds);
  }

  async unrecorded<T extends Candidate>(candidates: readonly T[]): Promise<T[]> {
    return record.unrecorded(this.#connection, candidates);
  }

  async record(batch: RecordBatch): Promise<readonly number[]> {
    return record.record(this.#connection, batch);
  }

  async offer(request: OfferRequest): Promise<Offer> {
    return deliver.offer(this.#connection, request);
  }

  async claim(pointer: Pointer, executionId: string, leaseMs: number): Promise<Claim | null> {
    return deliver.claim(this.#connection, pointer, executionId, leaseMs);
  }

  async renew(
    pointers: readonly Pointer[],
    state: 'QUEUED' | 'RUNNING',
    leaseMs: number,
  ): Promise<Pointer[]> {
    return deliver.renew(this.#connection, pointers, state, leaseMs);
  }

  async settle(pointer: Pointer, outcome: Outcome): Promise<EventState | null> {
    return deliver.settle(this.#connection, pointer, outcome);
  }

  async lapse(subscriptionIds: readonly number[]): Promise<number> {
    return deliver.lapse(this.#connection, subscriptionIds);
  }

  async reportSource(sourceId: number, report: SourceReport): Promise<void> {
    record.reportSource(this.#connection, sourceId, report);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }
}
