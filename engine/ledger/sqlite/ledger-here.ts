// The ledger of a SQLite file as the sum of its parts, in the thread that has the file open.
// Invariants: each call is one short transaction over a small batch, or several with a pause between them, never a loop over
// the table, so that no call holds up the others for long; short calls that are asked at once share one, whole or not at all.
import { type Call, summed } from '../common/parts';
import type { Ledger } from '../ledger';
import { Ownership } from '../common/owner';
import type { Instance } from '../ownership';
import { patiently, type SqliteConnection } from './connection';
import { ownerStatements } from './owner';
import { PARTS } from './parts';
import { type Asked, unrecordedOf } from './unrecorded';

/**
 * What is one short transaction, done before anything else is: many of it may come at once, as where several runs begin,
 * take keys and end side by side.
 */
const SHORT = {
  ...{ claim: true, settle: true, release: true },
  ...{ takeKeys: true, finishKeys: true, endKeys: true },
  ...{ enqueue: true, handOver: true, settleEntries: true },
} as const satisfies { readonly [Name in Call]?: true };

export type ShortCall = keyof typeof SHORT;

export const isShort = (call: Call): call is ShortCall => call in SHORT;

interface AskedShort {
  readonly call: ShortCall;
  readonly args: readonly unknown[];
}

/** What comes from another thread is not unpacked where it would only be packed again. */
export interface LedgerHere extends Ledger {
  /**
   * Those calls, in their order, as one transaction. @returns what each says; of the first ones only, where these take long:
   * the others were not begun; null: that cannot be, and nothing was done: each by itself says why
   */
  together(asked: readonly AskedShort[]): Promise<readonly unknown[] | null>;
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
    together: async (asked) => {
      try {
        connection.assertInPlace();
        await ownership.check();
        return connection.together(
          asked.map(
            ({ call, args }) =>
              () =>
                done(connection, call, args),
          ),
        );
      } catch {
        return null;
      }
    },
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

type Work = (connection: SqliteConnection, ...args: readonly unknown[]) => unknown;

const done = (connection: SqliteConnection, call: ShortCall, args: readonly unknown[]): unknown =>
  (PARTS[call] as Work)(connection, ...args);
