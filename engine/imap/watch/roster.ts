// The mailboxes that one trigger listens to: by name, or all whose names match a pattern, also those that are made
// later. Joins the watch of each, and leaves them all at the end.
// Invariant: a mailbox that is found later begins when it was last looked for mailboxes, or earlier where this machine's clock may
// be wrong, so that no mail in it is missed.
import { setImmediate } from 'node:timers/promises';
import type { Ledger } from '../../ledger/ledger';
import type { SourceKey } from '../../ledger/sources';
import type { Subscription, SubscriptionSettings } from '../../ledger/subscriptions';
import type { TriggerNode } from '../../ledger/serving';
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import { errorText, type Log } from '../../runtime/log';
import { CLOCK_MARGIN_MS, earliestNow, pause } from '../../runtime/time';
import type { SourceRegistry } from '../../source/registry';
import { accountName, type ImapLogin } from '../session/login';
import type { ImapSubscriber } from './subscriber';
import { chosenMailboxes, isChosen } from '../session/mailboxes';
import type { ImapReading } from '../read/reading';
import { compileImapReading, type ImapReadingData } from '../read/reading-data';
import { ImapSession } from '../session/session';

const LIST_EVERY_MS = 10 * 60_000;
const LIST_AGAIN: BackoffRange = { firstMs: 2_000, mostMs: 60_000 };

export interface RosterPorts {
  readonly ledger: Ledger;
  readonly registry: SourceRegistry<ImapLogin, ImapReading>;
  readonly log: Log;
  /** How the trigger listens to a mailbox of it. */
  readonly subscriber: (
    subscription: Subscription,
    reading: ImapReading,
    source: SourceKey,
  ) => ImapSubscriber;
  /** Called when mailboxes were added, with all subscriptions of the trigger. */
  readonly changed: (subscriptionIds: readonly number[]) => void;
  /** Mailboxes cannot be listed, for now; the trigger goes on with those it knows. */
  readonly failed: (fault: Error, failures: number) => void;
  /** The login now leads to another account: the trigger has to begin anew. */
  readonly moved: () => void;
  /** Every mailbox that is there now is known. */
  readonly listed: () => void;
}

export interface RosterSettings extends TriggerNode {
  readonly account: string;
  readonly subscription: SubscriptionSettings;
  /** Also which mailboxes are meant. */
  readonly reading: ImapReadingData;
  readonly login: () => Promise<ImapLogin>;
  /** How often it is looked for mailboxes that were made or deleted. */
  readonly listEveryMs?: number;
}

export class Roster {
  readonly #settings: RosterSettings;
  readonly #ports: RosterPorts;
  readonly #reading: ImapReading;
  readonly #stopping = new AbortController();
  readonly #joined = new Map<string, () => Promise<void>>();
  #listing: Promise<void> | undefined;
  #startedAt = 0;
  /** People may have been told that it listens before the mailboxes were listed. */
  #wasKnown = false;
  #ids: readonly number[] = [];

  /** @throws Error: the reading cannot be compiled */
  constructor(settings: RosterSettings, ports: RosterPorts) {
    this.#settings = settings;
    this.#reading = compileImapReading(settings.reading);
    this.#ports = ports;
  }

  /** Joins what is known without asking the server. @returns the trigger's subscriptions @throws LedgerFault */
  async start(): Promise<readonly number[]> {
    const { workflowId, nodeId, nodeName, present, account } = this.#settings;
    const { reading: data } = this.#settings;
    const choice = data.mailboxes;
    // What its workflow has now counts now only: it may change while this goes on.
    const trigger = { workflowId, nodeId, ...(nodeName && { nodeName }), ...(present && { present }) };
    /** What it listens with. */
    const own: number[] = [];
    this.#startedAt = earliestNow();
    if (choice.kind === 'names') {
      for (const name of choice.names) own.push(await this.#join(name, data, trigger));
      await this.#ports.ledger.listensWith(trigger, own);
      this.#ports.listed();
      return this.#ids;
    }
    const { ledger } = this.#ports;
    const known = await ledger.subscriptionsOf(workflowId, nodeId);
    this.#ids = known.map(({ id }) => id);
    for (const { source } of [...known, ...(await ledger.heritage(trigger))]) {
      const { kind, mailbox } = source;
      if (kind !== 'imap' || source.account !== account || !isChosen(choice, mailbox)) continue;
      if (this.#joined.has(mailbox)) continue;
      own.push(await this.#join(mailbox, data, trigger));
      // There may be thousands, and a ledger in a file answers within n8n's turn.
      await setImmediate();
    }
    await ledger.listensWith(trigger, own);
    // It goes on where it stands: nobody need wait for a server that is slow to list what else there is.
    this.#wasKnown = this.#joined.size > 0 && !this.#reading.skipWhileOff;
    if (this.#wasKnown) this.#ports.listed();
    this.#listing = this.#keepListing();
    return this.#ids;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#joined.values()].map((leave) => leave()));
    await this.#listing;
  }

  async #keepListing(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    let lookedAt: number | undefined;
    while (!signal.aborted) {
      const began = earliestNow();
      try {
        lookedAt ??= await this.#lookedBefore();
        const isLate = failures > 0 || this.#wasKnown;
        await this.#look(lookedAt ?? (isLate ? this.#startedAt : undefined));
        lookedAt = began;
        failures = 0;
        this.#ports.listed();
        await pause(this.#settings.listEveryMs ?? LIST_EVERY_MS, signal);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        failures++;
        this.#ports.log.warn(`Mailboxes of ${this.#settings.account} cannot be listed: ${errorText(error)}`);
        this.#ports.failed(error instanceof Error ? error : new Error(String(error)), failures);
        await pause(backoffDelay(failures, LIST_AGAIN), signal);
      }
    }
  }

  /**
   * When the trigger last looked, in an earlier life: what was made since then is as if it was found then. Undefined:
   * this is its first life, or it passes over what came since; what is found then begins as the person chose.
   */
  async #lookedBefore(): Promise<number | undefined> {
    const { workflowId, nodeId, account } = this.#settings;
    if (this.#joined.size === 0 || this.#reading.skipWhileOff) return undefined;
    const known = (await this.#ports.ledger.subscriptionsOf(workflowId, nodeId)).filter(
      ({ source }) => source.account === account && this.#joined.has(source.mailbox),
    );
    const read = known.flatMap(({ lastSuccessAt }) => lastSuccessAt ?? []);
    return read.length > 0 ? Math.max(...read) - LIST_EVERY_MS : undefined;
  }

  /** @param since when it was looked for the last time, ms since 1970; undefined: never */
  async #look(since: number | undefined): Promise<void> {
    const { login, account, reading: data } = this.#settings;
    const { signal } = this.#stopping;
    const current = await login();
    if (accountName(current) !== account) {
      this.#ports.moved();
      return;
    }
    const session = await ImapSession.connect(current, signal);
    const listed = await session.list().finally(() => session.end());
    const names = chosenMailboxes(data.mailboxes, listed);
    // An account without any mailbox is an answer that nobody can believe.
    if (listed.length > 0) await this.#leaveAllBut(names);
    let added = false;
    for (const name of names) {
      if (this.#joined.has(name) || signal.aborted) continue;
      await this.#join(name, since === undefined ? data : laterReading(data, since));
      await setImmediate();
      added = true;
    }
    if (added) this.#ports.changed(this.#ids);
  }

  /** A mailbox that was deleted is no fault, and takes no connection. Its place is kept, should it come back. */
  async #leaveAllBut(names: readonly string[]): Promise<void> {
    for (const [name, leave] of [...this.#joined]) {
      if (names.includes(name)) continue;
      this.#joined.delete(name);
      this.#ports.log.info(`The mailbox "${name}" of ${this.#settings.account} is not there any more`);
      await leave();
    }
  }

  /** @returns its subscription */
  async #join(mailbox: string, data: ImapReadingData, trigger?: TriggerNode): Promise<number> {
    const { workflowId, nodeId, account, subscription } = this.#settings;
    const source: SourceKey = { kind: 'imap', account, mailbox };
    const subscribed = await this.#ports.ledger.subscribe({
      ...(trigger ?? { workflowId, nodeId }),
      source,
      ...subscription,
      reading: data,
    });
    this.#ids = subscribed.nodeIds;
    if (this.#stopping.signal.aborted || this.#joined.has(mailbox)) return subscribed.id;
    const reading = data === this.#settings.reading ? this.#reading : compileImapReading(data);
    const subscriber = this.#ports.subscriber(subscribed, reading, source);
    this.#joined.set(mailbox, this.#ports.registry.join(source, subscriber));
    return subscribed.id;
  }
}

/** For a mailbox that was not there when it was last looked: whatever is in it came since, and nothing was switched off. */
const laterReading = (data: ImapReadingData, since: number): ImapReadingData => ({
  ...data,
  skipBefore: null,
  ...(data.start.kind === 'new' && { start: { kind: 'since', at: since - CLOCK_MARGIN_MS } }),
});
