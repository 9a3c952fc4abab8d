// How much waits to be offered in the SQLite ledger: a look at an index, that ends as soon as it has seen enough.
import type { SqliteConnection } from './connection';

const countWaiting = `
  select count(*) as waiting from (
    select 1 from event
    where subscription_id in (select value from json_each(?)) and due_at is not null limit ?)`;

export const waiting = (
  connection: SqliteConnection,
  subscriptionIds: readonly number[],
  most: number,
): number =>
  connection.get<{ waiting: number }>(countWaiting, JSON.stringify(subscriptionIds), most)!.waiting;
