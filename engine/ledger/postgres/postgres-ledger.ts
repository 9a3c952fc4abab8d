// The ledger in a Postgres database: for production, and for n8n in queue mode, where several processes share it.
// Everything that decides stands in the SQL beside this file; here the port is tied to it.
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
import type { KeyAnswer, KeyRequest, SeenKey } from '../once-keys';
import type { Released, Whereabouts } from '../run-ends';
import type { NodeId, Serving, TriggerNode, Unserved } from '../serving';
import { type Instance, Ownership } from '../ownership';
import type { HoldAnswer, HoldRequest, SourceHold } from '../source-holds';
import type { SourceNote } from '../source-notes';
import type { EventState } from '../states';
import * as act from './act';
import { PostgresConnection } from './connection';
import * as deliver from './deliver';
import { placeOf, schemaOf } from './fault';
import { heritage } from './heritage';
import * as hold from './hold';
import * as inspect from './inspect';
import * as mailActions from './mail-actions';
import { migrate } from './migrate';
import { offer } from './offer';
import * as once from './once';
import { openPool } from './open';
import { ownerStatements } from './owner';
import { record } from './record';
import * as runEnds from './run-ends';
import * as serving from './serving';
import { Renewals } from './renewals';
import type { PostgresSettings } from './settings';
import { settle, takeEnded } from './settle';
import * as sourceNotes from './source-notes';
import * as subscribe from './subscribe';
import { subscriptionsOf } from './subscriptions-of';
import { sweep } from './sweep';
import { unrecorded } from './unrecorded';
import { waiting } from './waiting';

/**
 * Connects, and makes the schema or brings it up to date.
 * @param instance the n8n that opens it; left out: nobody is refused
 * @throws LedgerFault
 */
export async function openPostgresLedger(settings: PostgresSettings, instance?: Instance): Promise<Ledger> {
  const connection = new PostgresConnection(await openPool(settings), settings);
  try {
    await migrate(connection, settings);
    return new PostgresLedger(connection, await Renewals.to(settings), instance ?? null);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Above these a server may compile the plan, which takes longer than running it (0.6 s for 500, measured). Only in a
 * transaction is it told not to, and for one mail that would be two more ways to the server and back.
 */
const FEW_LOOKS = 50;

class PostgresLedger implements Ledger {
  readonly place: string;
  readonly #connection: PostgresConnection;
  readonly #renewals: Renewals;
  readonly #ownership: Ownership;

  constructor(connection: PostgresConnection, renewals: Renewals, instance: Instance | null) {
    this.#connection = connection;
    this.#renewals = renewals;
    this.place = `${placeOf(connection.settings)}, schema ${schemaOf(connection.settings)}`;
    this.#ownership = new Ownership(ownerStatements(connection), this.place, instance);
  }

  ledgerId(): Promise<string> {
    return this.#ownership.ledgerId();
  }

  own(): Promise<void> {
    return this.#ownership.own();
  }

  leave(): Promise<void> {
    return this.#ownership.leave();
  }

  takeOver(): Promise<string | null> {
    return this.#ownership.takeOver();
  }

  subscribe(subscription: NewSubscription): Promise<Subscription> {
    return subscribe.subscribe(this.#connection, subscription);
  }

  subscriptionsOf(workflowId: string, nodeId: string): Promise<NodeSubscription[]> {
    return subscriptionsOf(this.#connection, workflowId, nodeId);
  }

  heritage(trigger: TriggerNode): Promise<NodeSubscription[]> {
    return heritage(this.#connection, trigger);
  }

  serve(nodes: readonly NodeId[]): Promise<void> {
    return serving.serve(this.#connection, nodes);
  }

  unserve(nodes: readonly NodeId[]): Promise<void> {
    return serving.unserve(this.#connection, nodes);
  }

  takeUnserved(which: Parameters<Serving['takeUnserved']>[0], limit: number): Promise<Unserved[]> {
    return serving.takeUnserved(this.#connection, which, limit);
  }

  cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>> {
    return subscribe.cursors(this.#connection, subscriptionIds);
  }

  unrecorded<T extends Candidate>(candidates: readonly T[]): Promise<T[]> {
    const looks = candidates.reduce((sum, { due }) => sum + due.length, 0);
    return looks <= FEW_LOOKS
      ? unrecorded(this.#connection, candidates)
      : this.#connection.transaction((statements) => unrecorded(statements, candidates));
  }

  waiting(subscriptionIds: readonly number[], most: number): Promise<number> {
    return waiting(this.#connection, subscriptionIds, most);
  }

  async record(batch: RecordBatch): Promise<readonly number[]> {
    await this.#ownership.check();
    return record(this.#connection, batch);
  }

  async offer(request: OfferRequest): Promise<Offer> {
    await this.#ownership.check();
    return offer(this.#connection, request);
  }

  async claim(
    pointers: readonly Pointer[],
    executionId: string,
    leaseMs: number,
    endIsTold = true,
  ): Promise<Claim[]> {
    await this.#ownership.check();
    return deliver.claim(this.#connection, pointers, executionId, leaseMs, endIsTold);
  }

  whereabouts(events: readonly string[]): Promise<ReadonlyMap<string, Whereabouts>> {
    return runEnds.whereabouts(this.#connection, events);
  }

  release(pointers: readonly Pointer[], error: string): Promise<Released[]> {
    return runEnds.release(this.#connection, pointers, error);
  }

  hurryReleased(subscriptionIds: readonly number[]): Promise<void> {
    return runEnds.hurryReleased(this.#connection, subscriptionIds);
  }

  async takeByHand(events: readonly string[], executionId: string, leaseMs: number): Promise<Claim[]> {
    await this.#ownership.check();
    return runEnds.takeByHand(this.#connection, events, executionId, leaseMs);
  }

  contents(events: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    return deliver.contents(this.#connection, events);
  }

  renew(pointers: readonly Pointer[], state: 'QUEUED' | 'RUNNING', leaseMs: number): Promise<Pointer[]> {
    return this.#renewals.run((connection) => deliver.renew(connection, pointers, state, leaseMs));
  }

  settle(pointers: readonly Pointer[], outcome: Outcome): Promise<Settled[]> {
    return settle(this.#connection, pointers, outcome);
  }

  async takeEnded(subscriptionIds: readonly number[], limit: number): Promise<Ended[]> {
    await this.#ownership.check();
    return takeEnded(this.#connection, subscriptionIds, limit);
  }

  async sweep(limit: number, unrenewed?: readonly SeenKey[]): Promise<boolean> {
    await this.#ownership.check();
    return sweep(this.#connection, limit, unrenewed);
  }

  reportSource(held: SourceHold, report: SourceReport): Promise<void> {
    return subscribe.reportSource(this.#connection, held, report);
  }

  sourceNote(sourceId: number): Promise<SourceNote> {
    return sourceNotes.sourceNote(this.#connection, sourceId);
  }

  writeSourceNote(held: SourceHold, note: SourceNote): Promise<void> {
    return sourceNotes.writeSourceNote(this.#connection, held, note);
  }

  async holdSource(request: HoldRequest): Promise<HoldAnswer> {
    await this.#ownership.check();
    return hold.holdSource(this.#connection, request);
  }

  renewHolds(holds: readonly SourceHold[], leaseMs: number): Promise<SourceHold[]> {
    return this.#renewals.run((connection) => hold.renewHolds(connection, holds, leaseMs));
  }

  releaseHolds(holds: readonly SourceHold[]): Promise<void> {
    return hold.releaseHolds(this.#connection, holds);
  }

  takeActions(held: SourceHold, limit: number, leaseMs: number): Promise<DueAction[]> {
    return mailActions.takeActions(this.#connection, held, limit, leaseMs);
  }

  finishActions(ids: readonly number[]): Promise<void> {
    return mailActions.finishActions(this.#connection, ids);
  }

  postponeActions(ids: readonly number[], error: string, delayMs: number): Promise<void> {
    return mailActions.postponeActions(this.#connection, ids, error, delayMs);
  }

  async takeKeys(request: KeyRequest): Promise<ReadonlyMap<string, KeyAnswer>> {
    await this.#ownership.check();
    return once.takeKeys(this.#connection, request);
  }

  heldKeys(keys: readonly string[]): Promise<readonly SeenKey[]> {
    return once.heldKeys(this.#connection, keys);
  }

  leftKeys(limit: number): Promise<readonly SeenKey[]> {
    return once.leftKeys(this.#connection, limit);
  }

  renewKeys(holders: readonly string[], leaseMs: number): Promise<void> {
    return this.#renewals.run((connection) => once.renewKeys(connection, holders, leaseMs));
  }

  finishKeys(holder: string, keys: readonly string[]): Promise<void> {
    return once.finishKeys(this.#connection, holder, keys);
  }

  endKeys(holder: string, ended: 'success' | 'failure'): Promise<void> {
    return once.endKeys(this.#connection, holder, ended);
  }

  returnKeys(holder: string, keys: readonly string[]): Promise<void> {
    return once.returnKeys(this.#connection, holder, keys);
  }

  events(filter: EventFilter, page: { readonly after?: number; readonly limit: number }): Promise<EventPage> {
    return inspect.events(this.#connection, filter, page);
  }

  event(id: string): Promise<EventRecord | null> {
    return inspect.event(this.#connection, id);
  }

  statistics(filter: Pick<EventFilter, 'workflowId'>): Promise<Readonly<Record<EventState, number>>> {
    return inspect.statistics(this.#connection, filter);
  }

  unserved(filter: Pick<EventFilter, 'workflowId'>): Promise<number> {
    return serving.unserved(this.#connection, filter);
  }

  sources(): Promise<SourceHealth[]> {
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
    await Promise.all([this.#connection.close(), this.#renewals.close()]);
  }
}
