// When a mail's content goes: with the last of its events, or as long after that as a subscription asks.
// Invariant: the content's row is locked before its events are looked at, in another statement. Of two that end
// the last two events of a mail at once, the second then sees what the first did.
import { NOW, type Statements } from './connection';

/** A part of a statement: locks the contents of messages named by the rows of another part. */
export const lockedContents = (rows: string): string => `
  locked as materialized (
    select message_id from durable_mail.content
    where message_id in (select message_id from ${rows})
    order by message_id for update)`;

// DEAD and UNKNOWN keep it, to be run again. `limit 1` keeps the look-up one: `not exists` may become a scan.
const dropUnneeded = `
  with unneeded as materialized (
    select content.message_id, (
      select max(subscription.keep_content_ms)
      from durable_mail.event join durable_mail.subscription on subscription.id = event.subscription_id
      where event.message_id = content.message_id) as keep_ms
    from durable_mail.content
    where content.message_id = any($1)
      and (
        select 1 from durable_mail.event
        where event.message_id = content.message_id and event.state not in ('DONE', 'GONE') limit 1) is null),
  dropped as (
    delete from durable_mail.content using unneeded
    where content.message_id = unneeded.message_id and coalesce(unneeded.keep_ms, 0) = 0)
  update durable_mail.content set drop_at = ${NOW} + unneeded.keep_ms
  from unneeded
  where content.message_id = unneeded.message_id and unneeded.keep_ms > 0 and content.drop_at is null`;

/** @param locked the messages whose contents this transaction has locked */
export async function dropContents(
  statements: Statements,
  locked: readonly (number | null)[],
): Promise<void> {
  const ids = locked.filter((id) => id !== null);
  if (ids.length > 0) await statements.run(dropUnneeded, ids);
}
