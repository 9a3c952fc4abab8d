// The databases of n8n and of the mail ledger are killed again and again, in regular mode.
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { survivesKilledDatabases } from '../support/killed-databases';
import { PostgresLedgerReader } from '../support/ledger-reader';
import { N8n } from '../support/n8n';
import { PostgresServer } from '../support/postgres';
import { ownDataIn } from '../support/queue-mode';

describe('n8n in regular mode goes on when its databases are killed', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
  });
  after(() => cleanup.run());

  for (const [what, isOne] of [
    ['one for both', true],
    ['two', false],
  ] as const) {
    it(what, async (t) => {
      const own = new Cleanup();
      try {
        const postgres = await own.of(PostgresServer.start());
        if (!(await postgres.hasDatabase('n8n'))) await postgres.createDatabase('n8n');
        const other = isOne ? postgres : await own.of(PostgresServer.start());
        const url = await other.createDatabase('ledger');
        const environment = { ...ownDataIn(postgres), DURABLE_MAIL_POSTGRES_URL: url };
        const n8n = await own.of(N8n.start(environment, { ledger: new PostgresLedgerReader(url) }));
        const databases = isOne ? [postgres] : [postgres, other];
        await survivesKilledDatabases(t, { n8n, dovecot, user: `regular-${isOne}`, databases });
      } finally {
        await own.run();
      }
    });
  }
});
