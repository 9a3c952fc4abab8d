// The console over an engine, put together: its handler and the feed that it tells from.
// Invariant: whoever closes it ends all of it: what is done in the background, and every client of the feed.
import { createConsole } from '../console/console';
import type { Console, ConsoleContext } from '../console/context';
import { Feed } from '../feed/feed';
import { placeholdersOf, render } from '../outbox/mail/render';
import { wakeOutbox } from '../outbox/wake';
import type { Log } from '../runtime/log';
import { lookKey } from '../source/notices';
import type { Engine } from './engine';

/** What whoever is its home says: where it is, and who may use it. */
export type ConsoleHome = Omit<
  ConsoleContext,
  'ledger' | 'wake' | 'feed' | 'templates' | 'wakeOutbox' | 'look' | 'now'
>;

export function openConsole({ ledger, wake }: Pick<Engine, 'ledger' | 'wake'>, home: ConsoleHome): Console {
  const feed = feedOver({ ledger, wake }, home);
  const console = createConsole({
    ...{ ...home, ledger, wake, feed },
    templates: { render, valuesOf: placeholdersOf },
    wakeOutbox: () => wakeOutbox(wake),
    look: (sourceId) => wake.notify([lookKey(sourceId)]),
    now: Date.now,
  });
  return {
    handle: (...asked) => console.handle(...asked),
    close: () => {
      console.close();
      feed.close();
    },
  };
}

const feedOver = (
  { ledger, wake }: Pick<Engine, 'ledger' | 'wake'>,
  { showMail, log }: { readonly showMail: boolean; readonly log: Log },
): Feed =>
  new Feed({
    ...{ ledger, wake, log },
    changeAt: (at) => ledger.changeAt(at),
    mailsOf: showMail ? (events) => ledger.mailsOf(events) : null,
  });
