// Whose the Postgres ledger is (../ownership.ts).
import { ALIVE_MS, type OwnerRow, type OwnerStatements } from '../common/owner';
import type { Instance } from '../ownership';
import { NOW, type PostgresConnection } from './connection';

const selectOwner = `
  select ledger_id as "ledgerId", owner, home, host, owned_at as "ownedAt",
    coalesce(abs(${NOW} - said_at) < ${ALIVE_MS}, false) as "isAlive"
  from durable_mail.ownership`;

const claimLedger = `
  update durable_mail.ownership set owner = $1, home = $2, host = $3, said_at = ${NOW},
    owned_at = case when owner is null or home is distinct from $2 then ${NOW} else owned_at end
  where owner is null
    or (owner = $1 and (home is null or home in ($2, $4) or $2::text is null or abs(${NOW} - said_at) >= ${ALIVE_MS}))`;

const replaceOwner = `
  update durable_mail.ownership set owner = $1, home = $2, host = $3, owned_at = ${NOW}, said_at = ${NOW}`;

const leaveLedger = `
  update durable_mail.ownership set said_at = 0 where owner = $1 and home is not distinct from $2`;

export const ownerStatements = (connection: PostgresConnection): OwnerStatements => ({
  read: async () => (await connection.get<OwnerRow>(selectOwner))!,
  claim: async ({ id, home, host }: Instance, replacing: string | null) => {
    await connection.run(claimLedger, id, home, host, replacing);
  },
  replace: async ({ id, home, host }: Instance) => {
    await connection.run(replaceOwner, id, home, host);
  },
  leave: async ({ id, home }: Instance) => {
    await connection.run(leaveLedger, id, home);
  },
});
