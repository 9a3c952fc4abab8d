// A process that sends what the outbox of a SQLite ledger holds, until it is killed: node --import tsx sender-process.ts FILE
import { openSqliteLedger } from '../../../engine/ledger/sqlite/sqlite-ledger';
import { OutboxWorker } from '../../../engine/outbox/worker';
import { WebhookSender } from '../../../engine/outbox/webhook/webhook-sender';
import { ProcessWake } from '../../../engine/signal/wake';
import { silentLog } from '../log';

void (async () => {
  const ledger = await openSqliteLedger(process.argv[2]!);
  const sender = new WebhookSender({
    credentialOf: () => Promise.resolve(null),
    setAside: (id, reason, url) => ledger.setAside(id, reason, url),
  });
  new OutboxWorker({
    ...{ ledger, wake: new ProcessWake(), log: silentLog },
    senders: new Map([[sender.kind, sender]]),
  }).start();
  process.send?.('started');
  setInterval(() => undefined, 60_000);
})();
