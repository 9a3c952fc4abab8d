// What makes a Gmail mail, or a label that it was given, the same one again.
// Invariant: Gmail's own id of the message is the text behind the last ':', so that it can be found by any identity.
import { type GmailEvent, STARRED } from './event';

/** @param labelId what was added, of a `labelAdded`: each label of a mail counts for itself */
export function gmailIdentity(event: GmailEvent, gmailId: string, labelId?: string): string {
  if (event === 'starred') return `label:${STARRED}:${gmailId}`;
  if (event === 'labelAdded') return `label:${labelId ?? ''}:${gmailId}`;
  // A mail that was received, and one that was sent, are one mail.
  return `id:${gmailId}`;
}

export const gmailIdOf = (identity: string): string => identity.slice(identity.lastIndexOf(':') + 1);

/** The label whose addition the identity names; null: it names a mail. */
export function labelOf(identity: string): string | null {
  if (!identity.startsWith('label:')) return null;
  return identity.slice('label:'.length, identity.lastIndexOf(':'));
}
