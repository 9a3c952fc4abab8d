// The ledger of a SQLite file as the sum of its parts, in the thread that has the file open.
// Invariant: each call is one short transaction over a small batch, or several with a pause between them, never a loop over
// the table, so that no call holds up the others for long.
import { summed } from '../common/parts';
import type { Ledger } from '../ledger';
import { Ownership } from '../common/owner';
import type { Instance } from '../ownership';
import { patiently, type SqliteConnection } from './connection';
import { ownerStatements } from './owner';
import { PARTS } from './parts';
import { type Asked, unrecordedOf } from './unrecorded';

/** What comes from another thread is not unpacked where it would only be packed again. */
export interface LedgerHere extends Ledger {
  /** @param asked `askedOf` the candidates */
  unrecordedOf(asked: Asked): Promise<readonly number[]>;
}

/** @param instance null: nobody is refused */
export function ledgerHere(connection: SqliteConnection, instance: Instance | null): LedgerHere {
  const place = `the file ${connection.file}`;
  const ownership = new Ownership(ownerStatements(connection), place, instance);
  const parts = summed(PARTS, async (_, isOwners, work) => {
    if (isOwners) {
      connection.assertInPlace();
      await ownership.check();
    }
    return patiently(() => work(connection));
  });
  return {
    ...parts,
    unrecordedOf: (asked) => patiently(() => unrecordedOf(connection, asked)),
    ledgerId: () => ownership.ledgerId(),
    own: async () => {
      connection.assertInPlace();
      await ownership.own();
    },
    isListenedTo: () => ownership.isListenedTo(),
    leave: () => ownership.leave(),
    takeOver: () => ownership.takeOver(),
    place,
    close: async () => connection.close(),
  };
}
