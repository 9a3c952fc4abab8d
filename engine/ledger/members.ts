// The part of the ledger's port that says which processes there are, and which sources each of them would read: so that the
// sources are spread evenly, and who stands by knows how whoever reads is doing.
// Invariants: a member that is silent for longer than it said counts for nothing; a source is passed on only by whoever holds
// it, and only to a living member that wants it; the fence grows with that, too; who wants a source no more is left with none
// that was passed on to it, however close the two came together.
import type { NodeId } from './serving';
import type { SourceHold } from './source-holds';

interface Want {
  readonly sourceId: number;
  /** Only while no other member wants it that can reach it. */
  readonly reserve: boolean;
}

/** Sources that the same living member holds, and the same living members want. */
export interface Share {
  readonly holder: string;
  /** In order; only those that can reach it, and reserves only where its holder cannot, nor anybody else. */
  readonly wanters: readonly string[];
  readonly count: number;
  /** Some of them. */
  readonly sourceIds: readonly number[];
}

/** What is wrong for one of a source's subscriptions, though the source is being read. */
export interface Complaint {
  readonly subscriptionId: number;
  /** For people. */
  readonly said: string;
}

/** How a source is doing, for who stands by. Times in ms since 1970, the database's clock. */
export interface SourceStanding {
  readonly sourceId: number;
  /** Null: nobody has it. */
  readonly holder: string | null;
  /** Until when its lease counts, unless it is renewed. */
  readonly until: number | null;
  /** Nobody has it, or not any more. */
  readonly isFree: boolean;
  /** The holder is a living member: it collects for all subscriptions of the source. */
  readonly isMembers: boolean;
  /** How many others want it, and can reach it; reserves do not count. */
  readonly others: number;
  readonly lastSuccessAt: number | null;
  readonly failingSince: number | null;
  /** Since when whoever has it has been reading it without a fault; null: it has not yet, or not any more. */
  readonly readSince: number | null;
  readonly lastError: string | null;
  /** What whoever reads it has said of its subscriptions, not longer than a day ago. */
  readonly complaints: readonly Complaint[];
}

/** A trigger, as one n8n of several that share the ledger listens to it. */
export interface ListeningNode extends NodeId {
  readonly instance: string;
  readonly host: string;
}

export interface Members {
  /**
   * The member is alive for so long from now.
   * @param wants all that it would read; undefined: as before
   * @param has what it has taken: that stays its own. What it has not, and wants no more, is free if it was passed on to it; so is
   *   what it had, gave back, and was passed since
   * @returns how many others are; null: it had been silent for so long that what it wants is not known any more
   */
  attend(
    member: string,
    aliveMs: number,
    wants?: readonly Want[],
    has?: readonly SourceHold[],
  ): Promise<number | null>;

  /** It is no more: what it still holds of what it wanted, as what was just passed on to it, is free. */
  withdraw(member: string): Promise<void>;

  /** What living members hold, and who wants it. */
  shares(): Promise<Share[]>;

  /** The member does not reach these now: for so long they are better read by others; 0: it reaches them again. */
  cannotReach(member: string, sourceIds: readonly number[], ms: number): Promise<void>;

  /**
   * Gives a source to a living member that wants it and can reach it, as a reserve only where nobody else can; not to one that was silent for more than half of a
   * lease, and for no longer than it is known to be alive: nobody would read it.
   * @returns whether it has it now
   */
  passOn(hold: SourceHold, to: string, leaseMs: number): Promise<boolean>;

  /** Whoever reads a source tells a trigger that listens elsewhere what is wrong for it: until it subscribes anew, for a day at most. */
  complain(complaint: Complaint): Promise<void>;

  /** How these are doing. @param member who asks */
  standings(member: string, sourceIds: readonly number[]): Promise<SourceStanding[]>;

  /**
   * These triggers are listened to by their n8n; to be said again every ten seconds.
   * @returns those that another n8n says it listens to: these were not noted
   */
  noteListening(nodes: readonly ListeningNode[]): Promise<ListeningNode[]>;
}
