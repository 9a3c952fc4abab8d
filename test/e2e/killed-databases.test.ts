// The databases of n8n and of the mail ledger are killed again and again, in regular mode.
import { survivesKilledDatabases } from '../support/killed-databases';
import { PostgresLedgerReader } from '../support/ledger-reader';
import { N8n } from '../support/n8n';
import { PostgresServer } from '../support/postgres';
import { ownDataIn } from '../support/queue-mode';

survivesKilledDatabases('regular mode', async (isOne, cleanup) => {
  const postgres = await cleanup.of(PostgresServer.start());
  if (!(await postgres.hasDatabase('n8n'))) await postgres.createDatabase('n8n');
  const other = isOne ? postgres : await cleanup.of(PostgresServer.start());
  const url = await other.createDatabase('ledger');
  const environment = { ...ownDataIn(postgres), DURABLE_MAIL_POSTGRES_URL: url };
  const n8n = await cleanup.of(N8n.start(environment, { ledger: new PostgresLedgerReader(url) }));
  return { n8n, databases: isOne ? [postgres] : [postgres, other] };
});
