// What a test hands to the sender of mails: entries, logins, and a try that is recorded.
import type { DueEntry } from '../../engine/ledger/outbox';
import { buildMail, type MailDraft } from '../../engine/outbox/mail/mail-content';
import {
  DEFAULT_MAIL_LIMITS,
  DEFAULT_MAIL_SCHEDULE,
  MAIL_KIND,
  mailLane,
  type MailRequest,
  toRow,
} from '../../engine/outbox/mail/mail-request';
import { packOutgoing, recipientsText } from '../../engine/outbox/mail/packed-mail';
import type { SmtpTimeouts } from '../../engine/outbox/mail/smtp-connect';
import type { LoginOf, SmtpLogin } from '../../engine/outbox/mail/smtp-login';
import { SmtpSender } from '../../engine/outbox/mail/smtp-sender';
import type { Trying, TryEnd } from '../../engine/outbox/sender';
import { SMTP_PASSWORD, SMTP_USER } from './smtp';

/** Short: silence is waited out. */
const QUICK: SmtpTimeouts = { connect: 2_000, command: 700, answer: 700 };

export const loginAt = (port: number, changed: Partial<SmtpLogin> = {}): SmtpLogin => ({
  ...{ host: '127.0.0.1', port, secure: false, startTls: 'never', clientName: 'test.example' },
  ...{ user: SMTP_USER, proof: { password: SMTP_PASSWORD }, credential: '"Shop" (SMTP)' },
  ...changed,
});

/** Where a test looks for what was sent. */
const SENT = { credential: { id: 'c2', name: 'Sent', type: 'imap' }, mailbox: null };

export const requestAt = (port: number, changed: Partial<MailRequest> = {}): MailRequest => ({
  form: 1,
  login: { credential: { id: 'c1', name: 'Shop', type: 'smtp' }, user: SMTP_USER, host: '127.0.0.1', port },
  ...{ schedule: DEFAULT_MAIL_SCHEDULE, inDoubt: 'aside', sent: SENT, limits: DEFAULT_MAIL_LIMITS },
  ...{ allowUnauthorizedCerts: false, ...changed },
});

const DRAFT: MailDraft = {
  ...{
    from: 'Ann <ann@example.com>',
    to: 'bob@example.com',
    subject: 'Hello',
    text: 'a secret text\n.\n..\n',
  },
};

export async function dueMail(
  request: MailRequest,
  draft: Partial<MailDraft> = {},
  changed: Partial<DueEntry> = {},
): Promise<DueEntry> {
  const mail = await buildMail({ ...DRAFT, ...draft });
  return {
    ...{ id: '1', fence: 1, key: 'k', kind: MAIL_KIND, lane: mailLane(request.login), state: 'SENDING' },
    ...{
      request: toRow(request),
      content: await packOutgoing(mail),
      recipient: recipientsText(mail.envelope),
    },
    ...{
      subject: mail.subject,
      messageId: mail.messageId,
      tries: 1,
      refusals: 0,
      mayHaveArrived: false,
      ageMs: 0,
    },
    origin: { workflowId: null, nodeId: null, nodeName: null, event: null },
    ...changed,
  };
}

/** A try whose mail may be handed over. */
export class Tried implements Trying {
  readonly #stop = new AbortController();
  readonly signal = this.#stop.signal;
  handedOver = 0;
  /** Asked before the mail is let go. */
  mayHandOver: () => boolean | Promise<boolean> = () => true;

  async handOver(): Promise<boolean> {
    this.handedOver++;
    return this.mayHandOver();
  }

  stop(): void {
    this.#stop.abort(new Error('It ends'));
  }
}

/** A sender whose logins are the same for all requests. */
export const senderFor = (login: SmtpLogin | LoginOf, timeouts: SmtpTimeouts = QUICK): SmtpSender =>
  new SmtpSender(
    { loginOf: (...asked) => (typeof login === 'function' ? login(...asked) : Promise.resolve(login)) },
    timeouts,
  );

/** What a person reads of it. */
export const wordsOf = (end: TryEnd): string => ('error' in end ? end.error : end.answer);
