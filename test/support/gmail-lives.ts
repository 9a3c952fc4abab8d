// What may happen to a Gmail account, at random, and what of it a trigger must tell of: the judge of a random life.
// Invariant: it knows nothing of how the account is read.
import fc from 'fast-check';
import type { GmailReading } from '../../engine/gmail/read/reading';
import type { DirectGmail } from './gmail-direct';
import { gmailReading } from './gmail-reading';

const WORK = 'Label_1';
const HOME = 'Label_2';
const YEAR_MS = 365 * 86_400_000;

export type Happening =
  | {
      readonly kind: 'deliver';
      readonly labels: readonly string[];
      readonly isOld: boolean;
      readonly subject: string;
    }
  | {
      readonly kind: 'label' | 'unlabel';
      readonly which: number;
      readonly labels: readonly string[];
    }
  | { readonly kind: 'unspam'; readonly which: number }
  | { readonly kind: 'delete'; readonly which: number }
  | { readonly kind: 'expire' | 'restart' }
  /** From now on the search knows nothing, or everything. */
  | { readonly kind: 'lag'; readonly isOn: boolean }
  /** A round; after so many calls `trouble` comes, if it does. */
  | { readonly kind: 'sync'; readonly trouble: Trouble; readonly at: number; readonly inLedger: boolean };

type Trouble = 'none' | 'abort' | 'unreachable' | 'busy' | 'refused' | 'crash';

const LABELS = ['INBOX', 'UNREAD', 'STARRED', 'IMPORTANT', WORK, HOME, 'SPAM', 'TRASH', 'SENT', 'DRAFT'];
const PLACES = [
  ['INBOX', 'UNREAD'],
  ['INBOX'],
  [WORK],
  ['INBOX', HOME, 'UNREAD'],
  ['SPAM'],
  ['SENT'],
  ['SENT', 'INBOX'],
  ['DRAFT'],
  [],
];

const which = fc.nat(1_000);
const some = fc.subarray(LABELS, { minLength: 1, maxLength: 3 });
const deliver = fc.record({
  kind: fc.constant('deliver' as const),
  labels: fc.constantFrom(...PLACES),
  isOld: fc.constantFrom(false, false, false, true),
  subject: fc.constantFrom('apple', 'plum'),
});
const sync = fc.record({
  kind: fc.constant('sync' as const),
  trouble: fc.constantFrom<Trouble>('none', 'none', 'abort', 'unreachable', 'busy', 'refused', 'crash'),
  at: fc.nat(14),
  inLedger: fc.boolean(),
});

export const life: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: deliver },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('label' as const), which, labels: some }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('unlabel' as const), which, labels: some }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom('unspam' as const, 'delete' as const), which }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('expire' as const, 'restart' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lag' as const), isOn: fc.boolean() }) },
    { weight: 5, arbitrary: sync },
  ),
  { minLength: 5, maxLength: 60 },
);

/** The triggers that listen to each life. */
export const READINGS: readonly GmailReading[] = [
  gmailReading(),
  gmailReading({ filter: { labels: { ids: [WORK, HOME], match: 'any' } } }),
  gmailReading({ filter: { labels: { ids: ['INBOX', WORK], match: 'all' }, readStatus: 'unread' } }),
  gmailReading({ filter: { search: 'subject:apple' } }),
  gmailReading({ filter: { spamAndTrash: true, sent: true, drafts: true } }),
  gmailReading({ event: 'labelAdded', eventLabels: [WORK, 'IMPORTANT'] }),
  gmailReading({ event: 'labelAdded' }),
  gmailReading({ event: 'starred' }),
  gmailReading({ event: 'sent' }),
];

interface Verdict {
  /** Identities that have to be told. */
  readonly must: Set<string>;
  /** Identities that may be. */
  readonly may: Set<string>;
}

/** Does what happens, and notes for each trigger what follows from it. */
export class Judge {
  readonly #gmail: DirectGmail;
  readonly #verdicts = READINGS.map((): Verdict => ({ must: new Set(), may: new Set() }));
  readonly #ids: string[] = [];
  #subjects = new Map<string, string>();
  #old = new Set<string>();
  /** What came before the triggers, and was told of by no history that they could read. */
  hasBegun = false;
  #isBlind = false;

  constructor(gmail: DirectGmail) {
    this.#gmail = gmail;
    for (const name of ['Work', 'Home']) gmail.mailbox.addLabel(name);
  }

  happen(what: Happening): void {
    const { mailbox } = this.#gmail;
    if (what.kind === 'deliver') {
      this.#deliver(what);
      return;
    }
    if (what.kind === 'expire') {
      this.#expire();
      return;
    }
    if (!('which' in what) || this.#ids.length === 0) return;
    const id = this.#ids[what.which % this.#ids.length]!;
    const before = mailbox.messages.get(id)?.labelIds;
    if (!before) return;
    if (what.kind === 'delete') {
      mailbox.remove(id);
      for (const { must } of this.#verdicts)
        for (const one of must) if (one.endsWith(`:${id}`)) must.delete(one);
      return;
    }
    if (what.kind === 'unspam') mailbox.change(id, ['INBOX'], ['SPAM', 'TRASH']);
    else if (what.kind === 'label') mailbox.change(id, what.labels, []);
    else mailbox.change(id, [], what.labels);
    const now = mailbox.messages.get(id)!.labelIds;
    this.#changed(
      id,
      now.filter((label) => !before.includes(label)),
      false,
    );
  }

  /** A round went to its end. */
  wasRead(): void {
    this.#isBlind = false;
  }

  verdict(index: number): Verdict {
    return this.#verdicts[index]!;
  }

  #deliver({ labels, isOld, subject }: Happening & { kind: 'deliver' }): void {
    const internalDate = Date.now() - (isOld ? YEAR_MS : 0);
    const id = this.#gmail.deliver({ labels, subject, internalDate });
    this.#ids.push(id);
    this.#subjects.set(id, subject);
    if (isOld) this.#old.add(id);
    this.#changed(id, labels, true);
  }

  /** From now until a round closes the gap, what is dated before is not found: neither it nor labels given to it. */
  #expire(): void {
    this.#gmail.mailbox.history.expire();
    this.#isBlind = true;
    for (const { must } of this.#verdicts) {
      for (const one of must) if (this.#old.has(one.slice(one.lastIndexOf(':') + 1))) must.delete(one);
    }
  }

  #changed(id: string, added: readonly string[], isNew: boolean): void {
    const labels = this.#gmail.mailbox.messages.get(id)!.labelIds;
    for (const [index, reading] of READINGS.entries()) {
      const { must, may } = this.#verdicts[index]!;
      const told = this.#tellable(reading, id, labels);
      for (const one of told) may.add(one);
      // A label that was added is told of, also if it is gone when the mail is read, or the mail was in the trash then.
      if (reading.event !== 'received')
        for (const one of added.filter((label) => counts(reading, label))) may.add(`label:${one}:${id}`);
      // Whoever loses it again before it was read need not tell.
      for (const one of must) if (one.endsWith(`:${id}`) && !told.includes(one)) must.delete(one);
      if (!this.hasBegun || (this.#isBlind && this.#old.has(id))) continue;
      for (const one of told) if (isNew || this.#isTold(reading, id, one, added)) must.add(one);
    }
  }

  /** What is true of the mail as it is. */
  #tellable(reading: GmailReading, id: string, labels: readonly string[]): string[] {
    const { event, filter } = reading;
    const has = (label: string): boolean => labels.includes(label);
    if (!filter.spamAndTrash && (has('SPAM') || has('TRASH'))) return [];
    if (!filter.drafts && has('DRAFT')) return [];
    if (!filter.sent && event !== 'sent' && has('SENT') && !has('INBOX')) return [];
    if (filter.readStatus === 'unread' && !has('UNREAD')) return [];
    if (filter.labels) {
      const { ids, match } = filter.labels;
      if (!(match === 'all' ? ids.every(has) : ids.some(has))) return [];
    }
    if (filter.search !== null && this.#subjects.get(id) !== 'apple') return [];
    if (event === 'received') return [`id:${id}`];
    if (event === 'sent') return has('SENT') ? [`id:${id}`] : [];
    return labels.filter((label) => counts(reading, label)).map((label) => `label:${label}:${id}`);
  }

  /** Whether it is because of these labels that it is true now. */
  #isTold({ event, filter }: GmailReading, id: string, identity: string, added: readonly string[]): boolean {
    if (event === 'sent') return added.includes('SENT');
    if (event !== 'received') return added.some((label) => identity === `label:${label}:${id}`);
    if (filter.labels?.ids.some((label) => added.includes(label))) return true;
    return !this.#old.has(id) && (added.includes('INBOX') || added.includes(WORK) || added.includes(HOME));
  }
}

/** Whether it is a label that the trigger waits for. */
function counts({ event, eventLabels }: GmailReading, label: string): boolean {
  if (event === 'starred') return label === 'STARRED';
  if (event !== 'labelAdded') return false;
  return eventLabels.length > 0 ? eventLabels.includes(label) : label.startsWith('Label_');
}
