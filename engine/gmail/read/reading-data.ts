// What a trigger takes from its Gmail account, and how that is read, as data (engine/source/reading-data.ts), and what it is compiled to.
// Invariant: whoever reads, the trigger too, reads by what is compiled here, so that all take the same mails.
import { parseTextMatch } from '../../mail/filter';
import { compiledSetting, type ReadingData, refuseNewerForm } from '../../source/reading-data';
import type { AccessToken } from '../api/login';
import type { Notifications } from '../notify/notifications';
import type { GmailFilter, GmailReading } from './reading';
import type { Asking } from './selection';

const FORM = 1;

type Pull = Extract<Notifications, { readonly kind: 'pull' }>;

/** As Notifications; how Pub/Sub is logged in to is no part of it. */
export type NotificationsData = Exclude<Notifications, Pull> | Omit<Pull, 'token'>;

export interface GmailReadingData
  extends ReadingData, GmailTaking, Pick<GmailReading, 'actionLabels' | 'pollMs'> {
  readonly v: typeof FORM;
  readonly notifications: NotificationsData;
}

/** Which mails are taken. */
export interface GmailTaking extends Pick<GmailReading, 'event' | 'eventLabels'> {
  readonly filter: GmailFilterData;
}

/** As GmailFilter; the sender as people write it (`parseTextMatch`). */
export interface GmailFilterData extends Omit<GmailFilter, 'sender'> {
  readonly sender: string | null;
}

/**
 * @param pubsubToken of a service account; left out: where Pub/Sub would be pulled the account is only asked now and then
 * @throws Error that names the setting, or says that a newer version has stored it
 */
export function compileGmailReading(
  data: GmailReadingData,
  pubsubToken?: () => Promise<AccessToken>,
): GmailReading {
  refuseNewerForm(data, FORM);
  const { start, skipBefore, mostStoredBytes, actionLabels, pollMs, notifications } = data;
  return {
    ...{ start, skipWhileOff: skipBefore !== null, mostStoredBytes },
    ...(skipBefore !== null && { skipBefore }),
    ...compileGmailTaking(data),
    ...(actionLabels && { actionLabels }),
    pollMs,
    notifications: notificationsOf(notifications, pubsubToken),
  };
}

function notificationsOf(
  data: NotificationsData,
  pubsubToken: (() => Promise<AccessToken>) | undefined,
): Notifications {
  if (data.kind !== 'pull') return data;
  return pubsubToken ? { ...data, token: pubsubToken } : { kind: 'none' };
}

/** @throws Error that names the setting */
export const compileGmailTaking = ({ event, eventLabels, filter }: GmailTaking): Asking => ({
  ...{ event, eventLabels },
  filter: {
    ...filter,
    sender:
      filter.sender === null
        ? null
        : compiledSetting('The filter "Sender"', () => parseTextMatch(filter.sender!)),
  },
});
