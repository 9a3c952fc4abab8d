// The logins by which one account is reached: which of them its server refuses for what, until when, and who was told.
// Invariants: what concerns one login counts for that login alone; while one is refused for something it is not asked
// for it again before its time, unless its credential is edited, its trigger published anew or a person asks; told are only those
// whose own login it is, in words of their own login's fault.
import { monotonicNow } from '../runtime/time';
import { Outage } from '../source/outage';
import { AccountFault, type Purpose } from './fault';
import type { PolledSubscriber, PolledTypes, Reaching } from './kind';
import { type PolledTimes, Retries } from './pace';

/** A login that can be asked, and whose it is. */
export interface Candidate<K extends PolledTypes> {
  /** Its credential's id; or whose it is, where it has none. */
  readonly key: string;
  readonly login: K['login'];
  readonly api: K['api'];
  readonly owners: readonly PolledSubscriber<K>[];
}

const PURPOSES: readonly Purpose[] = ['read', 'change', 'notify'];

interface Refusal {
  readonly error: unknown;
  readonly at: number;
  /** Not asked before, by the monotonic clock. */
  readonly until: number;
  /** What was stored as the login then. */
  readonly stored: string | undefined;
}

export class Logins<K extends PolledTypes> {
  readonly #name: string;
  readonly #asksFor: Reaching<K>['asksFor'];
  readonly #times: PolledTimes;
  readonly #tell: (tell: () => void) => void;
  readonly #refusals = new Map<string, Refusal>();
  readonly #retries = new Map<string, Retries>();
  readonly #outages = new WeakMap<PolledSubscriber<K>, Outage>();
  /** Of which logins it was told what else they may not do; and what was stored as the login then. */
  readonly #warned = new Map<string, string | undefined>();

  /**
   * @param name the account, for people, to go after "the"
   * @param tell runs what tells a person; what it throws stops nothing
   */
  constructor(
    name: string,
    asksFor: Reaching<K>['asksFor'],
    times: PolledTimes,
    tell: (tell: () => void) => void,
  ) {
    this.#name = name;
    this.#asksFor = asksFor;
    this.#times = times;
    this.#tell = tell;
  }

  /** Why it is not asked now; null: it may be. @param stored what is stored as the login now, as far as it is known */
  refusal(key: string, purpose: Purpose, stored?: string): Refusal | null {
    const found = this.#refusals.get(nameOf(key, purpose));
    if (!found || found.until <= monotonicNow()) return null;
    return stored === undefined || found.stored === undefined || stored === found.stored ? found : null;
  }

  /** It can be tried anew, for anything: somebody has just published it. */
  forgive(key: string): void {
    for (const purpose of PURPOSES) {
      this.#refusals.delete(nameOf(key, purpose));
      this.#retries.delete(nameOf(key, purpose));
      this.#warned.delete(nameOf(key, purpose));
    }
  }

  /** It is asked again before its time; if it is refused again, it waits as long as it would have by then. */
  askAgain(key: string): void {
    for (const purpose of PURPOSES) this.#refusals.delete(nameOf(key, purpose));
  }

  /** @param askedAt a refusal of what was asked together counts once @returns whether this one counts */
  refused(key: string, purpose: Purpose, error: unknown, askedAt: number, stored?: string): boolean {
    const name = nameOf(key, purpose);
    const before = this.#refusals.get(name);
    if (before && before.at >= askedAt) return false;
    const retries = this.#retries.get(name) ?? new Retries(this.#times);
    this.#retries.set(name, retries);
    const at = monotonicNow();
    this.#refusals.set(name, { error, at, until: at + retries.failed(error), stored });
    return true;
  }

  worked({ key, owners }: Pick<Candidate<K>, 'key' | 'owners'>, purpose: Purpose): void {
    const name = nameOf(key, purpose);
    this.#refusals.delete(name);
    this.#warned.delete(name);
    this.#retries.get(name)?.succeeded();
    if (purpose === 'read') for (const owner of owners) this.#tell(() => this.#outage(owner).over([owner]));
  }

  /** Their own login cannot read. @param othersRead somebody else's does */
  tellOwners(owners: readonly PolledSubscriber<K>[], error: unknown, othersRead: boolean): void {
    const fault = error instanceof Error ? error : new Error(String(error));
    const needsPerson = fault instanceof AccountFault && fault.needsPerson;
    const told = othersRead && fault instanceof AccountFault ? this.#whileOthersRead(fault) : fault;
    for (const owner of owners) this.#tell(() => this.#outage(owner).failed(told, needsPerson, [owner]));
  }

  /**
   * Their own login may not do what they ask for, and somebody else's does it. Told once, until it may, or another is
   * stored.
   */
  warnOwners({ key, login, owners }: Candidate<K>, purpose: 'change' | 'notify', fault: unknown): void {
    const name = nameOf(key, purpose);
    if (!(fault instanceof AccountFault) || !fault.needsPerson) return;
    if (this.#warned.has(name) && this.#warned.get(name) === login.stored) return;
    this.#warned.set(name, login.stored);
    const told = fault.inOtherWords(
      `${fault.message} Until then it is done with the credential of another workflow that reads this account.`,
      false,
    );
    const asking = owners.filter((owner) => this.#asksFor(owner, purpose));
    for (const owner of asking) this.#tell(() => owner.warn(told));
  }

  /** Until the first that is refused may be asked again, ms; null: none is refused. */
  dueInMs(keys: Iterable<string>, purpose: Purpose): number | null {
    const untils = [...keys].flatMap((key) => this.#refusals.get(nameOf(key, purpose))?.until ?? []);
    return untils.length === 0 ? null : Math.max(0, Math.min(...untils) - monotonicNow());
  }

  /** What a fault of one login is told as, while the account is read with others. */
  #whileOthersRead(fault: AccountFault): AccountFault {
    return fault.inOtherWords(
      `The ${this.#name} is read with the credentials of other workflows only, since this workflow's own does ` +
        `not work: ${fault.message}`,
      true,
    );
  }

  #outage(owner: PolledSubscriber<K>): Outage {
    const known = this.#outages.get(owner) ?? new Outage();
    this.#outages.set(owner, known);
    return known;
  }
}

const nameOf = (key: string, purpose: Purpose): string => `${purpose} ${key}`;
