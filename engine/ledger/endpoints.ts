// The part of the ledger's port that keeps endpoints: URLs that want to hear of changes, without a workflow in between.
// Invariants: each has a position in the changes, which moves in the transaction that queues what came up to it, so that
// nothing is told twice or left out; a position that is no more is said (`missed`). What was queued for it belongs to it: whoever
// takes that has the endpoint as it is then (`DueEntry.endpoint`). No secret is in a row: a credential by its id.
import type { Endpoint, EndpointWish, NewEndpoint } from './endpoint';
import type { NewEntry } from './outbox';

export type { Endpoint, EndpointWish, NewEndpoint };

/** How it goes with what an endpoint is told, each entry by its last try. Times are ms since 1970, the database's clock. */
export interface EndpointHealth {
  /** When the last that it has taken was begun. */
  readonly lastSentAt: number | null;
  /** Whether one of those that were queued within the time that was asked for has failed, and has not got through since. */
  readonly hasFailedThen: boolean;
  /** Of those that were queued since the beginning of that time. */
  readonly lastFailure: { readonly at: number; readonly error: string } | null;
}

export interface Endpoints {
  endpoints(): Promise<readonly Endpoint[]>;
  /** A new one begins with what becomes so from now on; one that is changed goes on where it was, and is not set aside any more. */
  saveEndpoint(endpoint: NewEndpoint, by: string): Promise<Endpoint>;
  /** What waits for it is cancelled. */
  removeEndpoint(name: string, by: string): Promise<boolean>;
  /** @param url only while this is its URL; left out: whatever it is @returns false: it is not there, or has moved */
  setAside(id: number, reason: string, url?: string): Promise<boolean>;
  /** From now on; what came meanwhile is left out, and said. */
  takeBack(id: number): Promise<boolean>;
  /**
   * Queues what an endpoint is to be told, and moves it on.
   * @param missed what lay before is not kept any more
   * @returns false: it is not where it was thought (another process was there first, or a person changed it): nothing was done
   */
  tellEndpoint(
    id: number,
    move: { readonly from: string; readonly to: string; readonly missed?: boolean },
    entries: readonly NewEntry[],
  ): Promise<boolean>;
  /** @param queued at or after, and before, ms since 1970 */
  endpointHealth(
    id: number,
    queued: { readonly from: number; readonly until: number },
  ): Promise<EndpointHealth>;
}

/** In `request`: nothing is posted to it. It is the place in the changes of who reads them for himself, such as a workflow. */
export const READER = 'reader';

/** Who tells endpoints, and who lists them, leaves it out. */
export const isReader = ({ request }: Pick<Endpoint, 'request'>): boolean => request[READER] === true;
