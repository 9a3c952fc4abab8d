// What a console tells of a small, busy instance: a mailbox that is broken, one that is quiet, one that catches up, and mails in
// every state. Each test changes what it is about.
import { createHash } from 'node:crypto';
import type {
  AnnotationTold,
  JobTold,
  LifeTold,
  MailTold,
  SourceTold,
  TriggerTold,
} from '../../../engine/console/api';

/** ISO 8601, so long ago. */
export const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

export function sourceTold(id: number, told: Partial<SourceTold> = {}): SourceTold {
  return {
    id,
    kind: 'IMAP',
    account: 'orders@example.com',
    mailbox: 'INBOX',
    state: 'idle',
    connection: 'idling',
    standing: 'well',
    says: 'It is read as mail comes. There is nothing to do.',
    since: ago(3 * HOUR),
    lastMailAt: ago(4 * MINUTE),
    lastLookAt: ago(20),
    nextTryAt: null,
    lastErrorAt: null,
    lastError: null,
    backfill: null,
    recovered: null,
    recoveredAt: null,
    notifiedUntil: null,
    actionsWaiting: 0,
    actionError: null,
    holder: 'n8n-main-1',
    unreadSince: null,
    workflowIds: ['kQ2rOrders'],
    served: true,
    ...told,
  };
}

export const sourcesTold = (): SourceTold[] => [
  sourceTold(1),
  sourceTold(2, {
    account: 'support@example.com',
    standing: 'broken',
    says:
      'Nothing has been read for 12 min: the server refuses the login. Check the credential "Support mailbox" in n8n; ' +
      'it is tried again by itself.',
    state: 'retry_scheduled',
    connection: 'backing_off',
    since: ago(12 * MINUTE),
    lastMailAt: ago(2 * HOUR),
    lastLookAt: ago(12 * MINUTE),
    lastErrorAt: ago(40),
    lastError: 'AUTHENTICATIONFAILED Invalid credentials',
    nextTryAt: new Date(Date.now() + 80_000).toISOString(),
    actionsWaiting: 3,
    actionError: 'Not connected',
    workflowIds: ['w7Support', 'x1Archive'],
  }),
  sourceTold(3, {
    account: 'invoices@example.com',
    mailbox: 'Invoices/2026',
    standing: 'quiet',
    says: 'It is read, and no mail has come for 3 days. There is nothing to do.',
    lastMailAt: ago(3 * DAY),
    workflowIds: ['p9Invoices'],
  }),
  sourceTold(4, {
    account: 'archive@example.com',
    kind: 'Gmail',
    mailbox: 'All mail',
    standing: 'busy',
    says: 'Older mail is being read for the first time. New mail runs meanwhile.',
    state: 'syncing',
    connection: 'polling',
    backfill: { read: 4_200, left: 7_800 },
    notifiedUntil: new Date(Date.now() + 5 * DAY * 1_000).toISOString(),
    workflowIds: ['x1Archive'],
  }),
];

export function triggerTold(told: Partial<TriggerTold> = {}): TriggerTold {
  return {
    workflowId: 'kQ2rOrders',
    nodeId: 'n1',
    nodeName: 'New order',
    sourceIds: [1],
    served: true,
    waiting: 0,
    oldestWaitingAt: null,
    running: 1,
    retrying: 0,
    dead: 0,
    unknown: 0,
    doneLately: 214,
    failedLately: 0,
    lastDoneAt: ago(30),
    lastFailedAt: null,
    lastError: null,
    ...told,
  };
}

export const triggersTold = (): TriggerTold[] => [
  triggerTold(),
  triggerTold({
    workflowId: 'w7Support',
    nodeName: 'Support mail',
    sourceIds: [2],
    waiting: 2,
    oldestWaitingAt: ago(10 * MINUTE),
    running: 0,
    retrying: 4,
    dead: 37,
    doneLately: 0,
    failedLately: 41,
    lastDoneAt: ago(5 * HOUR),
    lastFailedAt: ago(50),
    lastError: 'Node "Create ticket": 401 - token has expired',
  }),
  triggerTold({
    workflowId: 'p9Invoices',
    nodeName: 'Invoice',
    sourceIds: [3],
    running: 0,
    doneLately: 0,
    lastDoneAt: ago(3 * DAY),
  }),
];

export const noteTold = (told: Partial<AnnotationTold> = {}): AnnotationTold => ({
  name: 'triage',
  category: 'complaint',
  priority: 'high',
  summary: 'The parcel came broken; wants a new one by Friday.',
  data: { confidence: 0.93, language: 'en' },
  at: ago(50),
  ...told,
});

/** As a ledger's: a UUID, which says nothing of when the mail came. */
export const mailId = (mail: number): string =>
  createHash('sha256')
    .update(`mail ${mail}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

export function mailTold(id: number, told: Partial<MailTold> = {}): MailTold {
  return {
    id: mailId(id),
    state: 'DONE',
    attempt: 1,
    failures: 0,
    workflowId: 'kQ2rOrders',
    nodeId: 'n1',
    nodeName: 'New order',
    served: true,
    executionId: String(9_000 + id),
    lastError: null,
    idempotencyKey: `key-${id}`,
    recordedAt: ago((1_000 - id) * 40),
    dueAt: null,
    settledAt: ago((1_000 - id) * 40 - 3),
    beganAt: ago((1_000 - id) * 40 - 1),
    account: 'orders@example.com',
    mailbox: 'INBOX',
    sourceId: 1,
    uid: id,
    messageId: `<${id}@example.org>`,
    sender: `customer${id % 7}@example.org`,
    subject: `Order ${4_000 + id}`,
    receivedAt: ago((1_000 - id) * 40 + 2),
    size: 4_200 + id,
    hasContent: true,
    annotations: [],
    ...told,
  };
}

/** The oldest first. */
export function mailsTold(many: number): MailTold[] {
  const support = {
    workflowId: 'w7Support',
    nodeName: 'Support mail',
    account: 'support@example.com',
    sourceId: 2,
  };
  const lastError = 'Node "Create ticket": 401 - token has expired';
  return Array.from({ length: many }, (_, at) => {
    const id = 1_000 - many + at;
    if (at === many - 1) return mailTold(id, { state: 'RUNNING', settledAt: null });
    if (at === many - 2)
      return mailTold(id, { state: 'PENDING', settledAt: null, beganAt: null, executionId: null });
    if (at === many - 3)
      return mailTold(id, {
        ...support,
        ...{ state: 'RETRY', failures: 1, lastError, subject: 'Where is my parcel?', settledAt: null },
        dueAt: new Date(Date.now() + 45_000).toISOString(),
        annotations: [noteTold()],
      });
    if (at % 9 === 4)
      return mailTold(id, {
        ...support,
        state: 'DEAD',
        attempt: 4,
        failures: 4,
        lastError,
        subject: `Help with ${id}`,
      });
    if (at % 23 === 7) return mailTold(id, { state: 'UNKNOWN' });
    return mailTold(id);
  });
}

export const lifeTold = (mail: MailTold): LifeTold => {
  const began = Date.parse(mail.recordedAt);
  const at = (seconds: number): string => new Date(began + seconds * 1_000).toISOString();
  return {
    tries: Array.from({ length: mail.failures }, (_, failure) => ({
      attempt: failure + 1,
      executionId: String(8_000 + failure),
      beganAt: at(failure * 60 + 1),
      endedAt: at(failure * 60 + 3),
      state: failure === mail.failures - 1 ? mail.state : 'RETRY',
      error: mail.lastError,
    })),
    deeds: mail.failures > 1 ? [{ at: at(100), what: 'retryNow', by: 'console (operate)' }] : [],
    actions:
      mail.state === 'DONE' ? [{ kind: 'move', askedAt: at(4), tries: 1, endedAt: at(5), error: null }] : [],
  };
};

type MailJob = Extract<JobTold, { readonly of: 'mails' }>;

export const jobTold = (told: Partial<MailJob> = {}): MailJob => ({
  id: 'job-1',
  of: 'mails',
  action: 'replay',
  filter: {},
  by: 'console (operate)',
  askedAt: ago(0),
  endedAt: null,
  state: 'running',
  count: 500,
  seen: 0,
  changed: 0,
  unserved: 0,
  error: null,
  ...told,
});
