// Mails of the SQLite ledger that nothing refers to any more: they go.
import type { SqliteConnection } from './connection';

const deleteUnused = `
  delete from message where id in (select value from json_each(?))
    and not exists (select 1 from event where event.message_id = message.id)
    and not exists (select 1 from errand where errand.message_id = message.id)`;

/** @param ids those of them that an event or an errand refers to stay */
export function deleteMessagesOf(connection: SqliteConnection, ids: readonly number[]): void {
  if (ids.length > 0) connection.run(deleteUnused, JSON.stringify(ids));
}
