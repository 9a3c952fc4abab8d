// Why something cannot be done with mails in their account, in words that tell a person what to do about it.
// Invariant: nothing of a mail stands in them; a label has its name, and its id only where that is not known.
import { GmailFault } from '../api/fault';
import { isOwnLabel } from '../mail/event';
import type { GmailMailAction } from './action';

export interface Obstacle {
  readonly fault: GmailFault;
  /** It stands in the way of each mail in the same manner. */
  readonly ofAll: boolean;
}

/** Label names by id; null: Gmail does not tell them. */
export type LabelNames = ReadonlyMap<string, string> | null;

/** Whether it is the request that Gmail does not take. Everything else says nothing about the request. */
export const isRefusal = (error: unknown): error is GmailFault =>
  error instanceof GmailFault && (error.kind === 'refused' || error.kind === 'forbidden');

/** What a refusal means. */
export function obstacleOf(
  address: string,
  action: GmailMailAction,
  labels: LabelNames,
  refusal: GmailFault,
): Obstacle {
  const { kind } = refusal;
  const begin = `Mail of ${address} cannot ${toBeDone(action, labels)}`;
  const obstacle = (text: string, ofAll: boolean): Obstacle => ({
    fault: new GmailFault(kind, text, { cause: refusal }),
    ofAll,
  });
  if (kind === 'forbidden') {
    const advice = 'Changing mail needs the scope gmail.modify; without it, choose "Nothing" in the trigger.';
    return obstacle(`${begin}. ${refusal.message} ${advice}`, true);
  }
  const changed = action.kind === 'changeLabels' ? [...action.add, ...action.remove] : [];
  const missing = labels === null ? [] : changed.filter((id) => isOwnLabel(id) && !labels.has(id));
  if (missing.length > 0) {
    const why = `there is no label with the id ${quoted(missing)} any more. Choose another one in the trigger.`;
    return obstacle(`${begin}: ${why}`, true);
  }
  return obstacle(`${begin}. ${refusal.message} It is tried again later.`, false);
}

function toBeDone(action: GmailMailAction, labels: LabelNames): string {
  if (action.kind === 'trash') return 'be moved to the trash';
  const { add, remove } = action;
  if (add.length === 0 && remove.length === 1) {
    if (remove[0] === 'UNREAD') return 'be marked as read';
    if (remove[0] === 'INBOX') return 'be archived';
  }
  const named = (ids: readonly string[]): string =>
    `the ${ids.length === 1 ? 'label' : 'labels'} ${quoted(ids.map((id) => labels?.get(id) ?? id))}`;
  const parts = [...(add.length > 0 ? [`be given ${named(add)}`] : [])];
  if (remove.length > 0) parts.push(`lose ${named(remove)}`);
  return parts.join(' and ');
}

const quoted = (texts: readonly string[]): string => texts.map((text) => `"${text}"`).join(', ');
