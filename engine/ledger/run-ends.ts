// The part of the ledger's port that serves those who hear of a run from outside: the process that emitted it and is
// told that n8n is done with it, and a person who lets n8n run it again.
// Invariant: `attempt` is the fence here, too. What is released, or taken by hand, is what nobody runs.
import type { Claim, Pointer } from './pointer';
import type { EventState } from './states';

/** What has become of an event by now. */
export interface Whereabouts {
  readonly state: EventState;
  readonly attempt: number;
  /** The execution that runs it, or was the last to do so. */
  readonly executionId: string | null;
  /** Whether the process that runs it hears how the run ends; else whoever emitted it settles it. */
  readonly endIsTold: boolean;
  /** The offered run that it is in, or was in last; null: it waits to be offered. */
  readonly run: string | null;
}

/** An offer that ended before any run had claimed its event. */
export interface Released extends Pointer {
  /** How many offers of the event have now ended so, in a row. */
  readonly unclaimed: number;
}

export interface RunEnds {
  /** By event id; an event that this ledger does not know is missing. One query for all. */
  whereabouts(events: readonly string[]): Promise<ReadonlyMap<string, Whereabouts>>;

  /**
   * n8n is done with the execution of these pointers, and no run has claimed them: they wait again, each time longer
   * (2 s, then 8 s, … an hour at most), and no try is used up.
   * @returns those that were still QUEUED under that attempt
   */
  release(pointers: readonly Pointer[], error: string): Promise<Released[]>;

  /** Makes due at once what waits because its offers ended unclaimed: runs begin again by now. */
  hurryReleased(subscriptionIds: readonly number[]): Promise<void>;

  /**
   * Claims events for a run that a person has asked for, whatever attempt it was started with: those that wait, were
   * handed out and not begun, or were set aside. It is a new attempt, so nobody else can begin them any more.
   * @returns those that it won, in the order asked; not what is being run, or was done, or is gone
   */
  takeByHand(events: readonly string[], executionId: string, leaseMs: number): Promise<Claim[]>;
}

/** The first wait after an offer that ended unclaimed; each further one is four times as long. */
export const RELEASED_FIRST_MS = 2_000;
export const RELEASED_MOST_MS = 60 * 60_000;
/** From this many on the wait is the longest. */
export const RELEASED_MOST_STEPS = 7;
