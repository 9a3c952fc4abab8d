// The engine over one mail ledger, put together: what collects, hands out and keeps house, and what they share. The one
// place that knows all kinds of sources. It does not know where it runs: who opens it says what is done with a run.
// Invariant: it keeps house from the moment it is open until it is closed, whoever uses it, and for what.
import { Dispatcher, type DispatcherPorts, type DispatcherSettings } from '../delivery/dispatcher';
import { keepHouse } from '../delivery/housekeeping';
import { Runs } from '../delivery/runs';
import { ServedNodes } from '../delivery/served-nodes';
import type { GmailLogin } from '../gmail/api/login';
import type { GmailReading } from '../gmail/read/reading';
import { compileGmailReading, type GmailReadingData } from '../gmail/read/reading-data';
import { GmailAccounts } from '../gmail/watch/accounts';
import type { ImapReading } from '../imap/read/reading';
import { compileImapReading, type ImapReadingData } from '../imap/read/reading-data';
import type { ImapLogin } from '../imap/session/login';
import { ImapAccounts } from '../imap/watch/accounts';
import type { Ledger } from '../ledger/ledger';
import type { Instance } from '../ledger/ownership';
import type { Sender } from '../outbox/sender';
import { Telling } from '../outbox/webhook/telling';
import { OutboxWorker } from '../outbox/worker';
import type { Log } from '../runtime/log';
import type { Wake } from '../signal/wake';
import type { Follow } from '../source/following';
import { Guests } from '../source/guests';
import { leaseMsOf, SourceLeases } from '../source/leases';
import { Membership } from '../source/membership';
import { SourceRegistry } from '../source/registry';
import { openPlace, type Place } from './place';
import { takeoverMs } from './takeover';

/** What is done with runs, how many there may be at once, and who hears of mails that are given up. */
type Receiver = Pick<DispatcherPorts, 'emit' | 'report' | 'reportUnclaimed' | 'slots'> &
  Partial<Pick<DispatcherPorts, 'renewRuns'>>;

export interface Engine {
  readonly ledger: Ledger;
  readonly wake: Wake;
  /** The runs that this process holds. */
  readonly runs: Runs;
  readonly imap: SourceRegistry<ImapLogin, ImapReading>;
  readonly gmail: SourceRegistry<GmailLogin, GmailReading>;
  /** What goes out: sent by itself while this process hands out runs (`deliver`) or is to send, and for runs of it in any case. */
  readonly outbox: OutboxWorker;
  /** Tells endpoints of changes, from when this process sends first. */
  readonly telling: Pick<Telling, 'look'>;
  /** The triggers of this process that listen to it. */
  readonly served: ServedNodes;
  /** Whoever listens with it now. */
  readonly listeners: Set<object>;
  /** Hands due events out, of the subscriptions that the dispatcher is told to serve, until it is stopped. */
  readonly deliver: (settings: DispatcherSettings, receiver: Receiver) => Dispatcher;
  /** This process sends what is due, until the returned function is called: for one that listens and hands out no runs. */
  send(): () => void;
  /**
   * For the process that listens, every ten seconds: the ledger is its owner's.
   * @throws LedgerFault `foreign`, `twin` or `replaced`
   */
  own(): Promise<void>;
  close(): Promise<void>;
}

export interface EngineSettings {
  readonly log: Log;
  /** Whose the ledger is to be; left out: nobody is refused. */
  readonly owner?: Instance | undefined;
  /** Who sends what the outbox holds, one for each kind, made for this engine; they are closed with it. */
  readonly senders?: (ledger: Ledger) => readonly Sender[];
  /** Whether triggers can listen in this process: it says for whom mails wait and nobody listens. */
  readonly listens: boolean;
  /** Is told of the watched sources as it happens, instead of the log. */
  readonly follow?: Follow;
}

/** @throws LedgerFault that names the place and says what to do; Error that names a setting: then nothing is open */
export async function openEngine(
  place: Place,
  { log, owner, senders = () => [], listens, follow }: EngineSettings,
): Promise<Engine> {
  // What cannot be meant is said before anything is open.
  const leaseMs = leaseMsOf(takeoverMs());
  const { ledger, wake, close } = await openPlace(place, log, owner);
  const closing = new AbortController();
  const leases = new SourceLeases(ledger, log, { leaseMs });
  const ports = { ledger, wake, log, leases, membership: new Membership(ledger, leases, wake, log), follow };
  const imapGuests = new Guests<ImapLogin, ImapReading>({
    ...ports,
    compile: ({ reading }) => compileImapReading(reading as ImapReadingData),
  });
  const gmailGuests = new Guests<GmailLogin, GmailReading>({
    ...ports,
    // Who sends notifications knows only the trigger's own process: here it is asked.
    compile: ({ reading }) => ({
      ...compileGmailReading(reading as GmailReadingData),
      notifications: ASKED,
    }),
  });
  const runs = new Runs(ledger, wake, log);
  const served = new ServedNodes(ledger, log);
  const sending = new Map(senders(ledger).map((sender) => [sender.kind, sender]));
  const outbox = new OutboxWorker({ ledger, wake, log, senders: sending });
  const telling = new Telling({ ledger, wake, log, queued: () => outbox.queued() });
  /** Who hands out runs now, or is to send. */
  const sendingFor = new Set<object>();
  const sendFor = (who: object): (() => void) => {
    sendingFor.add(who);
    if (sending.size > 0) {
      outbox.start();
      telling.start();
    }
    return () => {
      sendingFor.delete(who);
      if (sendingFor.size === 0) void outbox.stop();
    };
  };
  void keepHouse(ledger, log, closing.signal, listens ? { served } : {});
  let isOwned = false;
  return {
    ledger,
    wake,
    runs,
    imap: new SourceRegistry(new ImapAccounts(ports).start, { guests: imapGuests, wake }),
    gmail: new SourceRegistry(new GmailAccounts(ports).start, { guests: gmailGuests, wake }),
    outbox,
    telling,
    served,
    listeners: new Set(),
    deliver: (settings, receiver) => {
      const dispatcher = new Dispatcher([], settings, {
        ledger,
        wake,
        log,
        renewRuns: () => runs.renewAll(),
        wereSettled: (pointers) => runs.wereSettled(pointers),
        ...receiver,
      });
      void dispatcher.ended.then(sendFor(dispatcher));
      return dispatcher;
    },
    send: () => sendFor({}),
    own: async () => {
      await ledger.own();
      if (isOwned) return;
      isOwned = true;
      log.info(
        `The mail ledger is ${ledger.place} (ledger ${await ledger.ledgerId()}); it belongs to this instance`,
      );
    },
    close: async () => {
      closing.abort();
      await telling.close();
      await outbox.close();
      await ports.membership.left();
      leases.close();
      await close();
    },
  };
}

const ASKED = { kind: 'none' } as const;
