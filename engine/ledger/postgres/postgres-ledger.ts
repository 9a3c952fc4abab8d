// The ledger in a Postgres database: for production, and for n8n in queue mode, where several processes share it.
// Everything that decides stands in the SQL beside this file; here its parts are put together.
import { type Call, summed } from '../common/parts';
import type { Ledger } from '../ledger';
import { Ownership } from '../common/owner';
import type { Instance } from '../ownership';
import { sweepForeignChanges } from './changes';
import { PostgresConnection } from './connection';
import { placeOf, schemaOf } from './fault';
import { migrate } from './migrate';
import { openPool } from './open';
import { ownerStatements } from './owner';
import { PARTS } from './parts';
import { Renewals } from './renewals';
import type { PostgresSettings } from './settings';

/** What goes over the connections that are for renewals. */
const RENEWALS: ReadonlySet<Call> = new Set<Call>(['renew', 'renewHolds', 'renewKeys']);

/**
 * Connects, and makes the schema or brings it up to date.
 * @param instance the n8n that opens it; left out: nobody is refused
 * @throws LedgerFault
 */
export async function openPostgresLedger(settings: PostgresSettings, instance?: Instance): Promise<Ledger> {
  const connection = new PostgresConnection(await openPool(settings), settings);
  try {
    await migrate(connection, settings);
    await sweepForeignChanges(connection);
    return ledgerOver(connection, await Renewals.to(settings), instance ?? null);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function ledgerOver(connection: PostgresConnection, renewals: Renewals, instance: Instance | null): Ledger {
  const place = `${placeOf(connection.settings)}, schema ${schemaOf(connection.settings)}`;
  const ownership = new Ownership(ownerStatements(connection), place, instance);
  const parts = summed(PARTS, async (call, isOwners, work) => {
    if (isOwners) await ownership.check();
    return RENEWALS.has(call) ? renewals.run(async (own) => work(own)) : work(connection);
  });
  return {
    ...parts,
    ledgerId: () => ownership.ledgerId(),
    own: () => ownership.own(),
    isListenedTo: () => ownership.isListenedTo(),
    leave: () => ownership.leave(),
    takeOver: () => ownership.takeOver(),
    place,
    close: async () => {
      await Promise.all([connection.close(), renewals.close()]);
    },
  };
}
