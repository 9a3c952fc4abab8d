// What the readings of all kinds of sources are as data: what a trigger's settings come to when it is published, kept by the
// ledger, and compiled by whoever reads, in whatever process.
// Invariants: data is plain JSON without a secret, and means the same wherever it is read: times are instants; what cannot be
// compiled is refused, and named as people know it.
import type { Reading } from '../ledger/subscriptions';
import { errorText } from '../runtime/log';
import type { Start } from './source';

export interface ReadingData extends Reading {
  readonly start: Start;
  /**
   * It was switched on then, and passes over what came while it was off: for whoever reads it for the first time since
   * (`Subscriber.joinedAt`). Ms since 1970; null: it goes on where it stood.
   */
  readonly skipBefore: number | null;
  /** A mail above this size is not stored: it is read again from the server when it runs. Octets. */
  readonly mostStoredBytes: number;
}

/** @param known the newest form that is understood @throws Error: a newer version has stored it */
export function refuseNewerForm({ v }: Reading, known: number): void {
  if (v > known)
    throw new Error(
      `What this trigger takes was stored by a newer version of the package (form ${v}, this one knows ${known}). ` +
        'Update the package here, too. No mail is lost: it waits on its server until then.',
    );
}

/** @param setting as people know it @throws Error that names it, and what is wrong with it */
export function compiledSetting<T>(setting: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    throw new Error(`${setting} cannot be used: ${errorText(error)}`, { cause: error });
  }
}
