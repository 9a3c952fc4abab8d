// Mails that nothing refers to any more: they go, unless another transaction is about to refer to them.
import type { Statements } from './connection';

const lockMessages = `
  select id from durable_mail.message where id = any($1) order by id for update skip locked`;

// In a statement after the lock: it sees what was recorded until then, and nothing can be recorded since.
const deleteUnused = `
  delete from durable_mail.message
  where id = any($1)
    and (select 1 from durable_mail.event where message_id = message.id limit 1) is null
    and (select 1 from durable_mail.errand where message_id = message.id limit 1) is null`;

/** @param messages distinct; those of them that an event or an errand refers to stay */
export async function deleteOrphans(statements: Statements, messages: readonly number[]): Promise<void> {
  if (messages.length === 0) return;
  const locked = await statements.all<{ id: number }>(lockMessages, messages);
  await statements.run(
    deleteUnused,
    locked.map(({ id }) => id),
  );
}
