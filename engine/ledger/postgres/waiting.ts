// How much waits to be offered in the Postgres ledger: a look at an index, that ends as soon as it has seen enough.
import type { Method } from './part';

const countWaiting = `
  select count(*)::int as waiting from (
    select 1 from durable_mail.event where subscription_id = any($1) and due_at is not null limit $2) due`;

export const waiting: Method<'waiting'> = async (connection, subscriptionIds, most) => {
  const [row] = await connection.all<{ waiting: number }>(countWaiting, subscriptionIds, most);
  return row!.waiting;
};
