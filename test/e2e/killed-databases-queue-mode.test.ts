// The databases of n8n and of the mail ledger are killed again and again, in queue mode.
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { survivesKilledDatabases } from '../support/killed-databases';
import { PostgresServer } from '../support/postgres';
import { QueueModeN8n } from '../support/queue-mode';

describe('n8n in queue mode goes on when its databases are killed', { timeout: 20 * 60_000 }, () => {
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
        const other = isOne ? null : await own.of(PostgresServer.start());
        const ledgerUrl = await other?.createDatabase('ledger');
        const n8n = await own.of(QueueModeN8n.start({}, { ...(ledgerUrl !== undefined && { ledgerUrl }) }));
        const databases = other ? [n8n.postgres, other] : [n8n.postgres];
        await survivesKilledDatabases(t, { n8n, dovecot, user: `queue-${isOne}`, databases });
      } finally {
        await own.run();
      }
    });
  }
});
