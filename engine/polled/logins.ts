// The logins by which one account is reached: which of them Google refuses for what, until when, and who was told.
// Invariants: what concerns one login counts for that login alone; while one is refused for something it is not asked
// for it again before its time, unless its credential is edited or its trigger published anew; told are only those
// whose own login it is, in words of their own login's fault.
import { monotonicNow } from '../runtime/time';
import { Outage } from '../source/outage';
import type { GmailApi } from '../gmail/api/api';
import { GmailFault } from '../gmail/api/fault';
import type { GmailLogin } from '../gmail/api/login';
import type { GmailSubscriber } from '../gmail/watch/subscriber';
import { type GmailTimes, Retries } from './pace';

/** What a login may be good for, or not: to read, to change mail, to ask for notifications. */
export type Purpose = 'read' | 'change' | 'notify';

/** A login that can be asked, and whose it is. */
export interface Candidate {
  /** Its credential's id; or whose it is, where it has none. */
  readonly key: string;
  readonly login: GmailLogin;
  readonly api: GmailApi;
  readonly owners: readonly GmailSubscriber[];
}

interface Refusal {
  readonly error: unknown;
  readonly at: number;
  /** Not asked before, by the monotonic clock. */
  readonly until: number;
  /** What was stored as the login then. */
  readonly stored: string | undefined;
}

/** What a fault of one login is told as, while the account is read with others. */
const whileOthersRead = (address: string, fault: GmailFault): GmailFault =>
  new GmailFault(
    fault.kind,
    `The Gmail account ${address} is read with the credentials of other workflows only, since this workflow's own does ` +
      `not work: ${fault.message}`,
    { cause: fault, isWhole: true },
  );

/** Who has the login for reading only need not know what else it may not do. */
const ASKS: Record<'change' | 'notify', (owner: GmailSubscriber) => boolean> = {
  change: ({ hasActions }) => hasActions,
  notify: ({ reading }) => reading.notifications.kind !== 'none',
};

export class Logins {
  readonly #address: string;
  readonly #times: GmailTimes;
  readonly #tell: (tell: () => void) => void;
  readonly #refusals = new Map<string, Refusal>();
  readonly #retries = new Map<string, Retries>();
  readonly #outages = new WeakMap<GmailSubscriber, Outage>();
  /** Of which logins it was told what else they may not do; and what was stored as the login then. */
  readonly #warned = new Map<string, string | undefined>();

  /** @param tell runs what tells a person; what it throws stops nothing */
  constructor(address: string, times: GmailTimes, tell: (tell: () => void) => void) {
    this.#address = address;
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
    for (const purpose of ['read', 'change', 'notify'] as const) {
      this.#refusals.delete(nameOf(key, purpose));
      this.#retries.delete(nameOf(key, purpose));
      this.#warned.delete(nameOf(key, purpose));
    }
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

  worked({ key, owners }: Pick<Candidate, 'key' | 'owners'>, purpose: Purpose): void {
    const name = nameOf(key, purpose);
    this.#refusals.delete(name);
    this.#warned.delete(name);
    this.#retries.get(name)?.succeeded();
    if (purpose === 'read') for (const owner of owners) this.#tell(() => this.#outage(owner).over([owner]));
  }

  /** Their own login cannot read. @param othersRead somebody else's does */
  tellOwners(owners: readonly GmailSubscriber[], error: unknown, othersRead: boolean): void {
    const fault = error instanceof Error ? error : new Error(String(error));
    const isFault = fault instanceof GmailFault;
    const told = othersRead && isFault ? whileOthersRead(this.#address, fault) : fault;
    const isOfPerson = isFault && (fault.kind === 'login' || fault.kind === 'forbidden');
    const needsPerson = isOfPerson && !fault.mayPass;
    for (const owner of owners) this.#tell(() => this.#outage(owner).failed(told, needsPerson, [owner]));
  }

  /**
   * Their own login may not do what they ask for, and somebody else's does it. Told once, until it may, or another is
   * stored.
   */
  warnOwners({ key, login, owners }: Candidate, purpose: 'change' | 'notify', fault: unknown): void {
    const name = nameOf(key, purpose);
    const isOfPerson = fault instanceof GmailFault && (fault.kind === 'login' || fault.kind === 'forbidden');
    if (!isOfPerson || fault.mayPass) return;
    if (this.#warned.has(name) && this.#warned.get(name) === login.stored) return;
    this.#warned.set(name, login.stored);
    const told = new GmailFault(
      fault.kind,
      `${fault.message} Until then it is done with the credential of another workflow that reads this account.`,
      { cause: fault },
    );
    const asking = owners.filter(ASKS[purpose]);
    for (const owner of asking) this.#tell(() => owner.warn(told));
  }

  /** Until the first that is refused may be asked again, ms; null: none is refused. */
  dueInMs(keys: Iterable<string>, purpose: Purpose): number | null {
    const untils = [...keys].flatMap((key) => this.#refusals.get(nameOf(key, purpose))?.until ?? []);
    return untils.length === 0 ? null : Math.max(0, Math.min(...untils) - monotonicNow());
  }

  #outage(owner: GmailSubscriber): Outage {
    const known = this.#outages.get(owner) ?? new Outage();
    this.#outages.set(owner, known);
    return known;
  }
}

const nameOf = (key: string, purpose: Purpose): string => `${purpose} ${key}`;
