// The databases of n8n and of the mail ledger are killed again and again, in queue mode.
import { survivesKilledDatabases } from '../support/killed-databases';
import { PostgresServer } from '../support/postgres';
import { QueueModeN8n } from '../support/queue-mode';

survivesKilledDatabases('queue mode', async (isOne, cleanup) => {
  const other = isOne ? null : await cleanup.of(PostgresServer.start());
  const ledgerUrl = await other?.createDatabase('ledger');
  const n8n = await cleanup.of(QueueModeN8n.start({}, { ...(ledgerUrl !== undefined && { ledgerUrl }) }));
  return { n8n, databases: other ? [n8n.postgres, other] : [n8n.postgres] };
});
