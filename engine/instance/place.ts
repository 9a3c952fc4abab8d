// Where a mail ledger is, and how it is opened there: nobody else opens an adapter of it.
// Invariant: a place has one name, so that a process opens its ledger once; the name tells no password.
import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger/ledger';
import type { Instance } from '../ledger/ownership';
import { openPostgresChannel } from '../ledger/postgres/channel';
import { checkPostgres } from '../ledger/postgres/check';
import { openPostgresLedger } from '../ledger/postgres/postgres-ledger';
import type { PostgresSettings } from '../ledger/postgres/settings';
import { openSqliteLedger } from '../ledger/sqlite/sqlite-ledger';
import type { Log } from '../runtime/log';
import { SharedWake } from '../signal/shared-wake';
import { ProcessWake, type Wake } from '../signal/wake';

/** A SQLite file serves one process, a Postgres database many. */
export type Place =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly settings: PostgresSettings };

/** A ledger that is open, and what tells of its new events, in this process or among several. */
interface Opened {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly close: () => Promise<void>;
}

/** Settings that were edited give another name. */
export const placeName = (place: Place): string =>
  place.kind === 'sqlite'
    ? place.file
    : createHash('sha256').update(JSON.stringify(place.settings)).digest('hex');

/** @param owner whose the ledger is to be; undefined: nobody is refused @throws LedgerFault */
export async function openPlace(place: Place, log: Log, owner: Instance | undefined): Promise<Opened> {
  if (place.kind === 'sqlite') {
    const ledger = await openSqliteLedger(place.file, { instance: owner, log });
    return { ledger, wake: new ProcessWake(), close: () => ledger.close() };
  }
  const ledger = await openPostgresLedger(place.settings, owner);
  const channel = await openPostgresChannel(place.settings);
  const close = async (): Promise<void> => {
    await Promise.all([channel.close(), ledger.close()]);
  };
  return { ledger, wake: new SharedWake(channel, log), close };
}

/** Connects, and changes nothing. @returns what is there, for people @throws Error that says what is wrong or missing */
export const checkPlace = ({ settings }: Extract<Place, { kind: 'postgres' }>): Promise<string> =>
  checkPostgres(settings);
