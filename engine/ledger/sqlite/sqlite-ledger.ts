// The ledger in one SQLite file: for n8n in regular mode, with nothing to set up.
// node:sqlite is synchronous: each call is one short transaction over a small batch, or several with a pause between
// them, never a loop over the table, so that n8n's event loop is held for milliseconds.
import type { Changed, EventFilter, EventPage, EventRecord, Selection, SourceHealth } from '../inspection';
import type {
  Candidate,
  Claim,
  Cursor,
  Ended,
  Ledger,
  NewSubscription,
  NodeSubscription,
  Offer,
  OfferRequest,
  Outcome,
  Pointer,
  RecordBatch,
  Settled,
  SourceReport,
  Subscription,
} from '../ledger';
import type { DueAction } from '../mail-actions';
import type { KeyAnswer, KeyRequest } from '../once-keys';
import type { Released, Whereabouts } from '../run-ends';
import type { NodeId, Serving, TriggerNode, Unserved } from '../serving';
import type { HoldAnswer, HoldRequest, SourceHold } from '../source-holds';
import type { EventState } from '../states';
import * as act from './act';
import type { SqliteConnection } from './connection';
import * as deliver from './deliver';
import { heritage } from './heritage';
import * as hold from './hold';
import * as inspect from './inspect';
import * as mailActions from './mail-actions';
import { offer } from './offer';
import * as once from './once';
import { openConnection } from './open';
import { record } from './record';
import * as runEnds from './run-ends';
import * as serving from './serving';
import * as settle from './settle';
import * as subscribe from './subscribe';
import { subscriptionsOf } from './subscriptions-of';
import { sweep } from './sweep';
import { unrecorded } from './unrecorded';
import { waiting } from './waiting';

/**
 * @param file path of the ledger's file; made where missing
 * @throws LedgerFault that names the file and says what to do
 */
export async function openSqliteLedger(file: string): Promise<Ledger> {
  return new SqliteLedger(await openConnection(file));
}

class SqliteLedger implements Ledger {
  readonly place: string;
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.place = `the file ${connection.file}`;
  }

  async subscribe(subscription: NewSubscription): Promise<Subscription> {
    return subscribe.subscribe(this.#connection, subscription);
  }

  async subscriptionsOf(workflowId: string, nodeId: string): Promise<NodeSubscription[]> {
    return subscriptionsOf(this.#connection, workflowId, nodeId);
  }

  async heritage(trigger: TriggerNode): Promise<NodeSubscription[]> {
    return heritage(this.#connection, trigger);
  }

  async serve(nodes: readonly NodeId[]): Promise<void> {
    serving.serve(this.#connection, nodes);
  }

  async unserve(nodes: readonly NodeId[]): Promise<void> {
    serving.unserve(this.#connection, nodes);
  }

  async takeUnserved(which: Parameters<Serving['takeUnserved']>[0], limit: number): Promise<Unserved[]> {
    return serving.takeUnserved(this.#connection, which, limit);
  }

  async cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>> {
    return subscribe.cursors(this.#connection, subscriptionIds);
  }

  async reportSource(held: SourceHold, report: SourceReport): Promise<void> {
    subscribe.reportSource(this.#connection, held, report);
  }

  async unrecorded<T extends Candidate>(candidates: readonly T[]): Promise<T[]> {
    return unrecorded(this.#connection, candidates);
  }

  async waiting(subscriptionIds: readonly number[], most: number): Promise<number> {
    return waiting(this.#connection, subscriptionIds, most);
  }

  async record(batch: RecordBatch): Promise<readonly number[]> {
    return record(this.#connection, batch);
  }

  async offer(request: OfferRequest): Promise<Offer> {
    return offer(this.#connection, request);
  }

  async claim(
    pointers: readonly Pointer[],
    executionId: string,
    leaseMs: number,
    endIsTold = true,
  ): Promise<Claim[]> {
    return deliver.claim(this.#connection, pointers, executionId, leaseMs, endIsTold);
  }

  async whereabouts(events: readonly string[]): Promise<ReadonlyMap<string, Whereabouts>> {
    return runEnds.whereabouts(this.#connection, events);
  }

  async release(pointers: readonly Pointer[], error: string): Promise<Released[]> {
    return runEnds.release(this.#connection, pointers, error);
  }

  async hurryReleased(subscriptionIds: readonly number[]): Promise<void> {
    runEnds.hurryReleased(this.#connection, subscriptionIds);
  }

  async takeByHand(events: readonly string[], executionId: string, leaseMs: number): Promise<Claim[]> {
    return runEnds.takeByHand(this.#connection, events, executionId, leaseMs);
  }

  async contents(events: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    return deliver.contents(this.#connection, events);
  }

  async renew(
    pointers: readonly Pointer[],
    state: 'QUEUED' | 'RUNNING',
    leaseMs: number,
  ): Promise<Pointer[]> {
    return deliver.renew(this.#connection, pointers, state, leaseMs);
  }

  async settle(pointers: readonly Pointer[], outcome: Outcome): Promise<Settled[]> {
    return settle.settle(this.#connection, pointers, outcome);
  }

  async takeEnded(subscriptionIds: readonly number[], limit: number): Promise<Ended[]> {
    return settle.takeEnded(this.#connection, subscriptionIds, limit);
  }

  async sweep(limit: number): Promise<boolean> {
    return sweep(this.#connection, limit);
  }

  async holdSource(request: HoldRequest): Promise<HoldAnswer> {
    return hold.holdSource(this.#connection, request);
  }

  async renewHolds(holds: readonly SourceHold[], leaseMs: number): Promise<SourceHold[]> {
    return hold.renewHolds(this.#connection, holds, leaseMs);
  }

  async releaseHolds(holds: readonly SourceHold[]): Promise<void> {
    hold.releaseHolds(this.#connection, holds);
  }

  async takeActions(held: SourceHold, limit: number, leaseMs: number): Promise<DueAction[]> {
    return mailActions.takeActions(this.#connection, held, limit, leaseMs);
  }

  async finishActions(ids: readonly number[]): Promise<void> {
    mailActions.finishActions(this.#connection, ids);
  }

  async postponeActions(ids: readonly number[], error: string, delayMs: number): Promise<void> {
    mailActions.postponeActions(this.#connection, ids, error, delayMs);
  }

  async takeKeys(request: KeyRequest): Promise<ReadonlyMap<string, KeyAnswer>> {
    return once.takeKeys(this.#connection, request);
  }

  async renewKeys(holders: readonly string[], leaseMs: number): Promise<void> {
    once.renewKeys(this.#connection, holders, leaseMs);
  }

  async finishKeys(holder: string, keys: readonly string[]): Promise<void> {
    once.finishKeys(this.#connection, holder, keys);
  }

  async endKeys(holder: string, ended: 'success' | 'failure'): Promise<void> {
    once.endKeys(this.#connection, holder, ended);
  }

  async returnKeys(holder: string, keys: readonly string[]): Promise<void> {
    once.returnKeys(this.#connection, holder, keys);
  }

  events(filter: EventFilter, page: { readonly after?: number; readonly limit: number }): Promise<EventPage> {
    return inspect.events(this.#connection, filter, page);
  }

  async event(id: string): Promise<EventRecord | null> {
    return inspect.event(this.#connection, id);
  }

  statistics(filter: Pick<EventFilter, 'workflowId'>): Promise<Readonly<Record<EventState, number>>> {
    return inspect.statistics(this.#connection, filter);
  }

  async unserved(filter: Pick<EventFilter, 'workflowId'>): Promise<number> {
    return serving.unserved(this.#connection, filter);
  }

  async sources(): Promise<SourceHealth[]> {
    return inspect.sources(this.#connection);
  }

  replay(selection: Selection): Promise<Changed> {
    return act.replay(this.#connection, selection);
  }

  retryNow(selection: Selection): Promise<Changed> {
    return act.retryNow(this.#connection, selection);
  }

  markDone(selection: Selection): Promise<Changed> {
    return act.markDone(this.#connection, selection);
  }

  forget(selection: Selection): Promise<Changed> {
    return act.forget(this.#connection, selection);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }
}
