// Run as root: `open-ledger-as <file> <uid>`. Opens the ledger as that user and writes to it; prints "ok", or the fault.
import { LedgerFault } from '../../engine/ledger/fault';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';

const [, , file, id] = process.argv;

async function open(): Promise<string> {
  // Loaded first: the other user may not read the project.
  await import('node:sqlite');
  process.setgroups!([]);
  process.setgid!(Number(id));
  process.setuid!(Number(id));
  const ledger = await openSqliteLedger(file!);
  await ledger.subscribe({
    workflowId: 'w',
    nodeId: 'n',
    source: { kind: 'imap', account: 'a', mailbox: 'INBOX' },
    retryDelaysMs: [],
    guarantee: 'atLeastOnce',
    keepContentMs: 0,
    retentionMs: 1,
    afterSuccess: null,
    whenDead: null,
  });
  await ledger.close();
  return 'ok';
}

open().then(console.log, (error: unknown) =>
  console.log(error instanceof LedgerFault ? `${error.kind}: ${error.message}` : String(error)),
);
