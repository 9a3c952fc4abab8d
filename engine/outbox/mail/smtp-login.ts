// What it takes to log in to an SMTP server, and the port by which it is asked for: n8n keeps it, and nothing of it is stored here.
// Invariant: no text that is made here holds a password or a token, whatever a server repeats.
import type { MailRequest } from './mail-request';

export interface SmtpLogin {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. Otherwise `startTls` decides. */
  readonly secure: boolean;
  /** `required`: whoever cuts the offer out gets no login and no mail. `never`: "Disable STARTTLS". */
  readonly startTls: 'required' | 'never';
  /** What this client calls itself in EHLO; '' for the machine's name. */
  readonly clientName: string;
  /** '': the server asks for no login. */
  readonly user: string;
  /** An access token of OAuth 2 is used as XOAUTH2. Null: none. */
  readonly proof: { readonly password: string } | { readonly accessToken: string } | null;
  /** Where a person looks for it: `"Office" (SMTP)`. */
  readonly credential: string;
}

/**
 * Asked anew for each connection, so that a token is fresh and a changed password counts.
 * Rejects, in words for people, where there is none here now (deleted, not shared, its token cannot be renewed).
 * @param rejected a token that the server has just not taken, though it may not have ended: another one is wanted
 */
export type LoginOf = (request: MailRequest, signal: AbortSignal, rejected?: string) => Promise<SmtpLogin>;

/** XOAUTH2's first answer (developers.google.com/gmail/imap/xoauth2-protocol), for SMTP as for IMAP. */
export const xoauth2Answer = (user: string, accessToken: string): string =>
  base64(`user=${user}\x01auth=Bearer ${accessToken}\x01\x01`);

const MOST_SAID = 300;

/** What a server said, as it may be shown: on one line, without what a login is proved with. '' for nothing. */
export function saidBy(response: unknown, login: SmtpLogin): string {
  if (typeof response !== 'string') return '';
  let said = response;
  for (const secret of secretsOf(login)) said = said.replaceAll(secret, '***');
  return said
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/gu, ' ')
    .trim()
    .slice(0, MOST_SAID);
}

/** In every form in which they go out, the longest first. */
function secretsOf({ user, proof }: SmtpLogin): readonly string[] {
  if (!proof) return [];
  const forms =
    'password' in proof
      ? [base64(`\0${user}\0${proof.password}`), base64(proof.password), proof.password]
      : [xoauth2Answer(user, proof.accessToken), base64(proof.accessToken), proof.accessToken];
  return forms.filter((form) => form !== '');
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
