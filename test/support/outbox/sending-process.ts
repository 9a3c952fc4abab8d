// A process that sends: `sending-process <ledger, JSON> <url>`. What is of the kind `once` counts at its receiver each time; what is
// of the kind `again` may come twice. It prints "ready", and sends until it is killed. For SQLite, which one process has at a time.
import type { Place } from '../../../engine/instance/place';
import { openPlace } from '../../../engine/instance/place';
import { OutboxWorker } from '../../../engine/outbox/worker';
import { silentLog } from '../log';
import { postingSender } from './posting-sender';

async function send(place: Place, url: string): Promise<void> {
  const { ledger, wake } = await openPlace(place, silentLog, undefined);
  const senders = new Map(['once', 'again'].map((kind) => [kind, postingSender(kind, url)]));
  new OutboxWorker({ ledger, wake, log: silentLog, senders }).start();
  console.log('ready');
  // A timer of the worker keeps no process alive.
  setInterval(() => undefined, 60_000);
}

send(JSON.parse(process.argv[2]!) as Place, process.argv[3]!).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
