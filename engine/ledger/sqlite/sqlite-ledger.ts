// The ledger in one SQLite file: for n8n in regular mode, with nothing to set up.
// node:sqlite is synchronous, so all of this but the first function runs in a thread of the file's own (thread/): n8n's
// thread waits for no disk and no lock. Each call is one short transaction over a small batch, or several with a pause
// between them, never a loop over the table, so that no call holds up the others for long.
import type { Log } from '../../runtime/log';
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
import { patiently, type SqliteConnection } from './connection';
import * as deliver from './deliver';
import { heritage } from './heritage';
import * as hold from './hold';
import * as inspect from './inspect';
import * as mailActions from './mail-actions';
import { offer } from './offer';
import * as once from './once';
import { claimLedgerFor, leaveLedgerOf, readOwner, replaceOwnerBy } from './owner';
import { record } from './record';
import * as runEnds from './run-ends';
import * as serving from './serving';
import * as settle from './settle';
import * as sourceNotes from './source-notes';
import * as subscribe from './subscribe';
import { subscriptionsOf } from './subscriptions-of';
import { sweep } from './sweep';
import { openInThread } from './thread/ledger';
import { type Unrecorded, unrecorded, unrecordedOf } from './unrecorded';
import { waiting } from './waiting';

export interface SqliteLedgerOptions {
  /** The n8n that opens it; left out: nobody is refused. */
  readonly instance?: Instance | undefined;
  readonly log?: Log | undefined;
}

/**
 * In a thread of its own.
 * @param file path of the ledger's file; made where missing
 * @throws LedgerFault that names the file and says what to do
 */
export const openSqliteLedger = (file: string, options: SqliteLedgerOptions = {}): Promise<Ledger> =>
  openInThread(file, options.instance ?? null, options.log);

/** What comes from another thread is not unpacked where it would only be packed again. */
export interface LedgerHere extends Ledger {
  /** @param asked `askedOf` the candidates */
  unrecordedOf(asked: string): Promise<readonly Unrecorded[]>;
}

export class SqliteLedger implements LedgerHere {
  readonly place: string;
  readonly #connection: SqliteConnection;
  readonly #ownership: Ownership;

  constructor(connection: SqliteConnection, instance: Instance | null) {
    this.#connection = connection;
    this.place = `the file ${connection.file}`;
    this.#ownership = new Ownership(
      {
        read: () => patiently(() => readOwner(connection)),
        claim: (claiming, replacing) => patiently(() => claimLedgerFor(connection, claiming, replacing)),
        replace: (replacing) => patiently(() => replaceOwnerBy(connection, replacing)),
        leave: (leaving) => patiently(() => leaveLedgerOf(connection, leaving)),
      },
      this.place,
      instance,
    );
  }

  ledgerId(): Promise<string> {
    return this.#ownership.ledgerId();
  }

  async own(): Promise<void> {
    this.#connection.assertInPlace();
    return this.#ownership.own();
  }

  leave(): Promise<void> {
    return this.#ownership.leave();
  }

  takeOver(): Promise<string | null> {
    return this.#ownership.takeOver();
  }

  /** What only the owner may do, on a file that is still there. */
  async #admitted<T>(work: () => T): Promise<T> {
    this.#connection.assertInPlace();
    await this.#ownership.check();
    return patiently(work);
  }

  subscribe(subscription: NewSubscription): Promise<Subscription> {
    return patiently(() => subscribe.subscribe(this.#connection, subscription));
  }

  subscriptionsOf(workflowId: string, nodeId: string): Promise<NodeSubscription[]> {
    return patiently(() => subscriptionsOf(this.#connection, workflowId, nodeId));
  }

  heritage(trigger: TriggerNode): Promise<NodeSubscription[]> {
    return patiently(() => heritage(this.#connection, trigger));
  }

  serve(nodes: readonly NodeId[]): Promise<void> {
    return patiently(() => serving.serve(this.#connection, nodes));
  }

  unserve(nodes: readonly NodeId[]): Promise<void> {
    return patiently(() => serving.unserve(this.#connection, nodes));
  }

  takeUnserved(which: Parameters<Serving['takeUnserved']>[0], limit: number): Promise<Unserved[]> {
    return this.#admitted(() => serving.takeUnserved(this.#connection, which, limit));
  }

  cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>> {
    return patiently(() => subscribe.cursors(this.#connection, subscriptionIds));
  }

  reportSource(held: SourceHold, report: SourceReport): Promise<void> {
    return patiently(() => subscribe.reportSource(this.#connection, held, report));
  }

  unrecorded<T extends Candidate>(candidates: readonly T[]): Promise<T[]> {
    return patiently(() => unrecorded(this.#connection, candidates));
  }

  unrecordedOf(asked: string): Promise<readonly Unrecorded[]> {
    return patiently(() => unrecordedOf(this.#connection, asked));
  }

  waiting(subscriptionIds: readonly number[], most: number): Promise<number> {
    return patiently(() => waiting(this.#connection, subscriptionIds, most));
  }

  record(batch: RecordBatch): Promise<readonly number[]> {
    return this.#admitted(() => record(this.#connection, batch));
  }

  offer(request: OfferRequest): Promise<Offer> {
    return this.#admitted(() => offer(this.#connection, request));
  }

  claim(
    pointers: readonly Pointer[],
    executionId: string,
    leaseMs: number,
    endIsTold = true,
  ): Promise<Claim[]> {
    return this.#admitted(() => deliver.claim(this.#connection, pointers, executionId, leaseMs, endIsTold));
  }

  whereabouts(events: readonly string[]): Promise<ReadonlyMap<string, Whereabouts>> {
    return patiently(() => runEnds.whereabouts(this.#connection, events));
  }

  release(pointers: readonly Pointer[], error: string): Promise<Released[]> {
    return patiently(() => runEnds.release(this.#connection, pointers, error));
  }

  hurryReleased(subscriptionIds: readonly number[]): Promise<void> {
    return patiently(() => runEnds.hurryReleased(this.#connection, subscriptionIds));
  }

  takeByHand(events: readonly string[], executionId: string, leaseMs: number): Promise<Claim[]> {
    return this.#admitted(() => runEnds.takeByHand(this.#connection, events, executionId, leaseMs));
  }

  contents(events: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    return patiently(() => deliver.contents(this.#connection, events));
  }

  renew(pointers: readonly Pointer[], state: 'QUEUED' | 'RUNNING', leaseMs: number): Promise<Pointer[]> {
    return patiently(() => deliver.renew(this.#connection, pointers, state, leaseMs));
  }

  settle(pointers: readonly Pointer[], outcome: Outcome): Promise<Settled[]> {
    return patiently(() => settle.settle(this.#connection, pointers, outcome));
  }

  takeEnded(subscriptionIds: readonly number[], limit: number): Promise<Ended[]> {
    return this.#admitted(() => settle.takeEnded(this.#connection, subscriptionIds, limit));
  }

  sweep(limit: number, unrenewed?: readonly SeenKey[]): Promise<boolean> {
    return this.#admitted(() => sweep(this.#connection, limit, unrenewed));
  }

  sourceNote(sourceId: number): Promise<SourceNote> {
    return patiently(() => sourceNotes.sourceNote(this.#connection, sourceId));
  }

  writeSourceNote(held: SourceHold, note: SourceNote): Promise<void> {
    return patiently(() => sourceNotes.writeSourceNote(this.#connection, held, note));
  }

  holdSource(request: HoldRequest): Promise<HoldAnswer> {
    return this.#admitted(() => hold.holdSource(this.#connection, request));
  }

  renewHolds(holds: readonly SourceHold[], leaseMs: number): Promise<SourceHold[]> {
    return patiently(() => hold.renewHolds(this.#connection, holds, leaseMs));
  }

  releaseHolds(holds: readonly SourceHold[]): Promise<void> {
    return patiently(() => hold.releaseHolds(this.#connection, holds));
  }

  takeActions(held: SourceHold, limit: number, leaseMs: number): Promise<DueAction[]> {
    return patiently(() => mailActions.takeActions(this.#connection, held, limit, leaseMs));
  }

  finishActions(ids: readonly number[]): Promise<void> {
    return patiently(() => mailActions.finishActions(this.#connection, ids));
  }

  postponeActions(ids: readonly number[], error: string, delayMs: number): Promise<void> {
    return patiently(() => mailActions.postponeActions(this.#connection, ids, error, delayMs));
  }

  takeKeys(request: KeyRequest): Promise<ReadonlyMap<string, KeyAnswer>> {
    return this.#admitted(() => once.takeKeys(this.#connection, request));
  }

  heldKeys(keys: readonly string[]): Promise<readonly SeenKey[]> {
    return patiently(() => once.heldKeys(this.#connection, keys));
  }

  leftKeys(limit: number): Promise<readonly SeenKey[]> {
    return patiently(() => once.leftKeys(this.#connection, limit));
  }

  renewKeys(holders: readonly string[], leaseMs: number): Promise<void> {
    return patiently(() => once.renewKeys(this.#connection, holders, leaseMs));
  }

  finishKeys(holder: string, keys: readonly string[]): Promise<void> {
    return patiently(() => once.finishKeys(this.#connection, holder, keys));
  }

  endKeys(holder: string, ended: 'success' | 'failure'): Promise<void> {
    return patiently(() => once.endKeys(this.#connection, holder, ended));
  }

  returnKeys(holder: string, keys: readonly string[]): Promise<void> {
    return patiently(() => once.returnKeys(this.#connection, holder, keys));
  }

  events(filter: EventFilter, page: { readonly after?: number; readonly limit: number }): Promise<EventPage> {
    return inspect.events(this.#connection, filter, page);
  }

  event(id: string): Promise<EventRecord | null> {
    return patiently(() => inspect.event(this.#connection, id));
  }

  statistics(filter: Pick<EventFilter, 'workflowId'>): Promise<Readonly<Record<EventState, number>>> {
    return inspect.statistics(this.#connection, filter);
  }

  unserved(filter: Pick<EventFilter, 'workflowId'>): Promise<number> {
    return patiently(() => serving.unserved(this.#connection, filter));
  }

  sources(): Promise<SourceHealth[]> {
    return patiently(() => inspect.sources(this.#connection));
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
