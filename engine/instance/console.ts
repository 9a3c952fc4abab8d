// The console over an engine, put together: its handler and the feed that it tells from.
// Invariant: whoever closes it ends all of it: what is done in the background, and every client of the feed.
import { createConsole } from '../console/console';
import type { Console, ConsoleContext } from '../console/context';
import { Refusal } from '../console/refusal';
import { Feed } from '../feed/feed';
import { placeholdersOf, render } from '../outbox/mail/render';
import { wakeOutbox } from '../outbox/wake';
import type { Log } from '../runtime/log';
import { lookKey } from '../source/notices';
import type { Engine } from './engine';

/** What whoever is its home says: where it is, and who may use it. */
export interface ConsoleHome extends Omit<
  ConsoleContext,
  'ledger' | 'wake' | 'feed' | 'templates' | 'wakeOutbox' | 'look' | 'now'
> {
  /** Whoever collects is another process that no wake-up reaches; left out: it is reached. */
  readonly isAside?: boolean;
}

export type OverLedger = Pick<Engine, 'ledger' | 'wake'>;

export function openConsole(
  { ledger, wake }: OverLedger,
  { isAside = false, ...home }: ConsoleHome,
): Console {
  const feed = feedOver({ ledger, wake }, home);
  const console = createConsole({
    ...{ ...home, ledger, wake, feed },
    templates: { render, valuesOf: placeholdersOf },
    wakeOutbox: () => wakeOutbox(wake),
    look: (sourceId) => {
      if (isAside) throw unreached();
      wake.notify([lookKey(sourceId)]);
    },
    now: Date.now,
  });
  return {
    ...console,
    close: () => {
      console.close();
      feed.close();
    },
  };
}

const unreached = (): Refusal =>
  new Refusal(
    409,
    'The ledger is a SQLite file, so the process that reads this mailbox cannot be told from here. It looks by itself, at ' +
      'its next heartbeat at the latest. On Postgres it can be told.',
  );

const feedOver = (
  { ledger, wake }: OverLedger,
  { showMail, log }: { readonly showMail: boolean; readonly log: Log },
): Feed =>
  new Feed({
    ...{ ledger, wake, log },
    changeAt: (at) => ledger.changeAt(at),
    mailsOf: showMail ? (events) => ledger.mailsOf(events) : null,
  });
