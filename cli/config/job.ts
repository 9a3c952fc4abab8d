// A job of the configuration: which mails of which mailboxes, and where each of them goes; and its reading, as the ledger keeps it.
// Invariants: the same words as a trigger's reading has (engine/imap/read/reading-data.ts, engine/gmail/read/reading-data.ts),
// compiled by the same code; what would take other mails in an account of another kind is refused there.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import type { GmailReadingData } from '../../engine/gmail/read/reading-data';
import type { ImapFilterData, ImapReadingData } from '../../engine/imap/read/reading-data';
import { rulesFromJson } from '../../engine/imap/rules/criteria';
import type { SubscriptionSettings } from '../../engine/ledger/subscriptions';
import type { Start } from '../../engine/source/source';
import type { Account } from './account';
import type { GmailAccount } from './gmail-account';
import type { Origin } from './secret';
import { streamSchema } from './stream';
import { webhookSchema } from './webhook';
import { known, mustBe, NAME, oneOf, type Zod } from './words';

const DAY_MS = 86_400_000;
const MEGABYTE = 1024 * 1024;
const MOST_DAYS = 3_650;
const MOST_RETRIES = 20;
const DEFAULT_RETRIES = [30, 60, 300, 900, 3_600];
/** With a zone it is that instant, else that of UTC. */
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;
const START = mustBe('new, everything, { last: 10 } or { since: 2026-05-20 }');

/** What an account's own row may say, too: all but the accounts. */
export function jobShape(zod: Zod, origin: Origin) {
  const texts = zod.array(zod.string().min(1)).min(1);
  const kilobytes = zod.number().positive().max(1_000_000);
  const days = (least: number) => zod.number().min(least).max(MOST_DAYS);
  return {
    mailboxes: zod
      .union(
        [texts, known(zod, { pattern: zod.string().min(1) })],
        mustBe('a list of names, or { pattern: Orders/* }'),
      )
      .default(['INBOX']),
    start: zod
      .union(
        [
          zod.enum(['new', 'everything']),
          known(zod, { last: zod.number().int().min(1).max(100_000) }),
          known(zod, {
            since: zod.string().regex(DATE, mustBe('a date such as 2026-05-20 or 2026-05-20T08:00:00Z')),
          }),
        ],
        START,
      )
      .default('new')
      .describe('From which mail on, where it begins for the first time'),
    filters: known(zod, {
      from: zod.string().min(1).optional().describe('Part of it, or a /pattern/i'),
      to: zod.string().min(1).optional(),
      subject: zod.string().min(1).optional(),
      hasAttachment: zod.boolean().optional(),
      unreadOnly: zod.boolean().optional(),
      largerThanKb: kilobytes.optional(),
      smallerThanKb: kilobytes.optional(),
      search: zod
        .string()
        .min(1)
        .optional()
        .describe('Of Gmail accounts: as in its search box, has:attachment subject:(order)'),
    }).optional(),
    rules: zod
      .array(zod.unknown())
      .min(1)
      .optional()
      .describe('Custom email rules, as n8n has them, judged by the server: [UNSEEN, [FROM, ann]]'),
    to: known(zod, {
      webhook: webhookSchema(zod, origin).optional(),
      stream: streamSchema(zod).optional(),
    }).refine(oneOf('webhook', 'stream'), { error: 'must have a webhook or a stream, and not both' }),
    retries: zod
      .array(
        zod
          .number()
          .min(1)
          .max(14 * 86_400),
      )
      .max(MOST_RETRIES)
      .default(DEFAULT_RETRIES)
      .describe('Seconds before the second try to hand a mail over, the third, …'),
    keepContentDays: days(0)
      .default(7)
      .describe('After a mail was handed over: for content by reference, and to send it again'),
    keepEventsDays: days(1).default(30),
    storeUpToMb: zod
      .number()
      .min(1)
      .max(250)
      .default(50)
      .describe('A larger mail is told without its content'),
    heartbeatSeconds: zod.number().min(10).max(1_500).optional(),
    pollSeconds: zod.number().min(5).max(3_600).default(60).describe('How often a Gmail account is asked'),
  };
}

export function jobSchema(zod: Zod, origin: Origin) {
  const name = zod.union([zod.literal('*'), zod.string().regex(NAME)]);
  const accounts = zod
    .union([name, zod.array(name).min(1)], mustBe('the name of an account, a list of them, or "*"'))
    .describe('Names of accounts; "*": all, also those of the table');
  return known(zod, { accounts, ...jobShape(zod, origin) });
}

export type Job = Omit<z.output<ReturnType<typeof jobSchema>>, 'accounts'>;

/** @throws Error that names the key */
export function imapReadingOf(job: Job): ImapReadingData {
  const { mailboxes, filters, rules, heartbeatSeconds, storeUpToMb } = job;
  return {
    v: 1,
    mailboxes: Array.isArray(mailboxes)
      ? { kind: 'names', names: [...new Set(mailboxes.map(mailboxName))] }
      : { kind: 'pattern', pattern: mailboxes.pattern },
    start: startOf(job.start),
    skipBefore: null,
    mostStoredBytes: Math.round(storeUpToMb * MEGABYTE),
    filter: filters ? filterOf(filters) : null,
    rules: rules ? rulesFromJson(JSON.stringify(rules)) : null,
    heartbeatMs: heartbeatSeconds === undefined ? null : heartbeatSeconds * 1_000,
    commandMs: 30_000,
    reconnectMs: null,
  };
}

/** @throws Error that names the key */
export function gmailReadingOf(job: Job, { pubsub }: Pick<GmailAccount, 'pubsub'>): GmailReadingData {
  const { filters = {}, pollSeconds, storeUpToMb } = job;
  return {
    v: 1,
    start: startOf(job.start),
    skipBefore: null,
    mostStoredBytes: Math.round(storeUpToMb * MEGABYTE),
    ...{ event: 'received', eventLabels: [] },
    filter: {
      ...{ labels: null, sender: filters.from ?? null, search: filters.search ?? null },
      readStatus: filters.unreadOnly ? 'unread' : 'both',
      ...{ drafts: false, sent: false, scheduled: false, spamAndTrash: false },
    },
    pollMs: Math.round(pollSeconds * 1_000),
    notifications: pubsub
      ? { kind: 'pull', topic: pubsub.topic, subscription: pubsub.subscription }
      : { kind: 'none' },
  };
}

const IMAP_FILTERS = ['to', 'subject', 'hasAttachment', 'largerThanKb', 'smallerThanKb'] as const;

/** @throws Error that names the key: in an account of this kind it would take other mails than it says */
export function refuseOtherKind(
  { mailboxes, filters = {}, rules }: Pick<Job, 'mailboxes' | 'filters' | 'rules'>,
  { kind = 'imap' }: Pick<Account, 'kind'>,
): void {
  if (kind === 'imap') {
    if (filters.search !== undefined)
      throw new Error('filters.search is for Gmail accounts; an IMAP server is asked by rules');
    return;
  }
  const name = IMAP_FILTERS.find((filter) => filters[filter] !== undefined);
  const isInbox = Array.isArray(mailboxes) && mailboxes.every((one) => mailboxName(one) === 'INBOX');
  const key = name ? `filters.${name}` : rules ? 'rules' : isInbox ? null : 'mailboxes';
  if (key !== null)
    throw new Error(
      `${key} is for IMAP accounts; in a Gmail account filters.search says which mails, as in its search box: ` +
        'label:orders has:attachment larger:1M',
    );
}

function filterOf(filters: NonNullable<Job['filters']>): ImapFilterData {
  const { from, to, subject, hasAttachment, unreadOnly, largerThanKb, smallerThanKb } = filters;
  const octets = (kb: number): number => Math.round(kb * 1024);
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(subject !== undefined && { subject }),
    ...(hasAttachment !== undefined && { hasAttachment }),
    ...(unreadOnly !== undefined && { unreadOnly }),
    ...(largerThanKb !== undefined && { largerThan: octets(largerThanKb) }),
    ...(smallerThanKb !== undefined && { smallerThan: octets(smallerThanKb) }),
  };
}

export const subscriptionOf = ({ retries, keepContentDays, keepEventsDays }: Job): SubscriptionSettings => ({
  retryDelaysMs: retries.map((seconds) => Math.round(seconds * 1_000)),
  guarantee: 'atLeastOnce',
  keepContentMs: Math.round(keepContentDays * DAY_MS),
  retentionMs: Math.round(keepEventsDays * DAY_MS),
  ...{ afterSuccess: null, whenDead: null },
});

function startOf(start: Job['start']): Start {
  if (typeof start === 'string') return { kind: start };
  if ('last' in start) return { kind: 'last', count: start.last };
  const isZoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(start.since) || !/[T ]/.test(start.since);
  const at = Date.parse(isZoned ? start.since : `${start.since.replace(' ', 'T')}Z`);
  if (Number.isNaN(at)) throw new Error('start.since is no date that there is');
  return { kind: 'since', at };
}

/** INBOX is the one name that IMAP takes in any case (RFC 3501, 5.1). */
const mailboxName = (written: string): string => (written.toUpperCase() === 'INBOX' ? 'INBOX' : written);
