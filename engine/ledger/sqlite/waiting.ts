// How much waits to be offered in the SQLite ledger: a look at an index, that ends as soon as it has seen enough.
import { limitOf } from './connection';
import type { Method } from './part';

const countWaiting = `
  select count(*) as waiting from (
    select 1 from event
    where subscription_id in (select value from json_each(?)) and due_at is not null ${limitOf('?')})`;

export const waiting: Method<'waiting'> = (connection, subscriptionIds, most) =>
  connection.get<{ waiting: number }>(countWaiting, JSON.stringify(subscriptionIds), most)!.waiting;
