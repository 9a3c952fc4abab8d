// When the newest of some mails came, for people.
import type { NewMessage } from '../recording';

/** @returns ms since 1970; null: just now, since one of them does not say */
export function newestOf(mails: readonly Pick<NewMessage, 'receivedAt'>[]): number | null {
  let newest = 0;
  for (const { receivedAt } of mails) {
    if (receivedAt === null) return null;
    newest = Math.max(newest, Math.round(receivedAt));
  }
  return newest;
}
