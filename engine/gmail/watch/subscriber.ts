// A trigger that listens to a Gmail account.
import type { PolledSubscriber } from '../../polled/kind';
import type { GmailApi } from '../api/api';
import type { GmailLogin } from '../api/login';
import type { GmailReading } from '../read/reading';

export interface GmailTypes {
  readonly login: GmailLogin;
  readonly reading: GmailReading;
  readonly api: GmailApi;
}

export type GmailSubscriber = PolledSubscriber<GmailTypes>;

/** Who has the login for reading only need not know what else it may not do. */
export const asksFor = (
  { hasActions, reading }: Pick<GmailSubscriber, 'hasActions' | 'reading'>,
  purpose: 'change' | 'notify',
): boolean => (purpose === 'change' ? hasActions : reading.notifications.kind !== 'none');
