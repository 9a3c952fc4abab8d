// Makes what n8n's first start makes, in both of its databases: `node --import tsx test/support/prepare.ts <folder>`,
// by test/prepare.mjs.
import { Cleanup } from './cleanup';
import { N8n } from './n8n';
import { keepCluster, keepUserFolder } from './prepared';
import { QueueModeN8n } from './queue-mode';

const [, , folder = ''] = process.argv;

async function prepareSqlite(cleanup: Cleanup): Promise<void> {
  // The editor, too: what it needs is then compiled.
  const n8n = await cleanup.of(N8n.start({}, { withEditor: true }));
  await n8n.down();
  await keepUserFolder(n8n.folder, folder);
}

async function preparePostgres(cleanup: Cleanup): Promise<void> {
  const n8n = await cleanup.of(QueueModeN8n.start({}, { takesWebhooks: true }));
  await n8n.down();
  await n8n.postgres.query('postgres', 'drop database ledger');
  await n8n.postgres.down();
  await keepCluster(n8n.postgres.data, folder);
}

async function prepare(): Promise<void> {
  const cleanup = new Cleanup();
  try {
    await Promise.all([prepareSqlite(cleanup), preparePostgres(cleanup)]);
  } finally {
    await cleanup.run();
  }
}

prepare().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
