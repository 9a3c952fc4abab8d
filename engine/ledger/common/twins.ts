// What is twice in one batch of mails.
// Invariant: a mail is due to a subscription once, whichever of its identities tells that it is the same.
import type { NewMessage } from '../recording';

/** A mail that is in the batch twice, by its identity or by its soft one, is due to a subscription once. */
export function withoutTwins<Mail extends Pick<NewMessage, 'identity' | 'softIdentity' | 'due'>>(
  mails: readonly Mail[],
): Mail[] {
  const taken = new Set<string>();
  return mails.flatMap((mail) => {
    const due = mail.due.filter((id) => {
      const names = [`${id} is ${mail.identity}`];
      if (mail.softIdentity !== null) names.push(`${id} seems ${mail.softIdentity}`);
      if (names.some((name) => taken.has(name))) return false;
      names.forEach((name) => taken.add(name));
      return true;
    });
    return due.length > 0 ? [{ ...mail, due }] : [];
  });
}
