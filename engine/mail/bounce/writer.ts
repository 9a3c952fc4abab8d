// Who wrote a mail that is no report: a mail server, or a person, or what answers for one while they are away.
// Invariant: of a subject only its beginning counts: what is behind it may be ours.
import type { MailHeaders } from '../headers';

/** What its From says. */
export const DAEMON = /mailer.?daemon|postmaster|mail[ -](?:delivery|system)/i;

/** What answers by itself says so; Auto-Submitted does not tell it from a bounce (Exim's, Exchange's). */
const ANSWERS = ['x-auto-response-suppress', 'x-autoreply', 'x-autorespond', 'x-autoresponder'];
const ANSWERED =
  /^\s*(?:(?:re|aw|antw|sv|vs|odp|rif|fwd?|wg|tr)(?:\[\d+\])?\s*:|auto(?:matic|mated|matische)?[ -]?(?:reply|response|answer|antwort)|automatische antwort|out of (?:the )?office|abwesen)/i;

export function isOfServer(headers: MailHeaders): boolean {
  const of = (name: string): string => headers.get(name)?.[0] ?? '';
  return (
    DAEMON.test(of('from')) && !ANSWERS.some((name) => headers.has(name)) && !ANSWERED.test(of('subject'))
  );
}

/** A warning that it takes longer. */
export const isSubjectOfDelay = (headers: MailHeaders): boolean =>
  /^\s*(?:warning\b|(?:mail |message |delivery )*delay|delivery status notification \(delay\)|verzögert)/i.test(
    headers.get('subject')?.[0] ?? '',
  );
