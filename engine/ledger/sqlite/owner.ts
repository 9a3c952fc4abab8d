// Whose the SQLite ledger is (../ownership.ts).
import { ALIVE_MS, type OwnerRow, type OwnerStatements } from '../common/owner';
import { NOW, patiently, type SqliteConnection } from './connection';

const selectOwner = `
  select ledger_id as ledgerId, owner, home, host, owned_at as ownedAt,
    coalesce(abs(${NOW} - said_at) < ${ALIVE_MS}, 0) as isAlive
  from ownership`;

const claimLedger = `
  update ownership set owner = ?1, home = ?2, host = ?3, said_at = ${NOW},
    owned_at = iif(owner is null or home is not ?2, ${NOW}, owned_at)
  where owner is null
    or (owner = ?1 and (home is null or home in (?2, ?4) or ?2 is null or abs(${NOW} - said_at) >= ${ALIVE_MS}))`;

const replaceOwner = `
  update ownership set owner = ?1, home = ?2, host = ?3, owned_at = ${NOW}, said_at = ${NOW}`;

const leaveLedger = `update ownership set said_at = 0 where owner = ?1 and home is ?2`;

export const ownerStatements = (connection: SqliteConnection): OwnerStatements => ({
  read: () =>
    patiently(() => {
      const row = connection.get<Omit<OwnerRow, 'isAlive'> & { isAlive: number }>(selectOwner)!;
      return { ...row, isAlive: row.isAlive === 1 };
    }),
  claim: ({ id, home, host }, replacing) =>
    patiently(() => void connection.run(claimLedger, id, home, host, replacing)),
  replace: ({ id, home, host }) => patiently(() => void connection.run(replaceOwner, id, home, host)),
  leave: ({ id, home }) => patiently(() => void connection.run(leaveLedger, id, home)),
});
