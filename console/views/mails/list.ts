// The mails that the filter finds, as a list that is kept new by the feed.
import type { MailAnswer, MailQuery, MailsAnswer, MailTold } from '../../../engine/console/api';
import type { FeedEvent } from '../../../engine/feed/feed-event';
import { ask, pathOf } from '../../api/ask';
import { EndlessList, PAGE } from '../../parts/endless-list';
import { STATES } from '../../words/states';

export const mails = new EndlessList<MailTold, MailQuery>(
  {
    page: async (filter, after, signal) => {
      const asked = pathOf('/api/mails', { ...filter, after, limit: PAGE });
      const { mails, next } = await ask<MailsAnswer>(asked, signal);
      return { rows: mails, next };
    },
    one: async (id) => (await ask<MailAnswer>(`/api/mails/${encodeURIComponent(id)}`)).mail,
    at: ({ recordedAt }) => recordedAt,
    idIn: ({ type, event }) => (type.startsWith('email.') ? event : undefined),
    changed,
    // Its text is not in the feed: an error's, an annotation's.
    saysLess: ({ type }) => type === 'email.classified' || type === 'email.dead',
  },
  {},
);

function changed(mail: MailTold, { data }: FeedEvent): MailTold {
  const { state, attempt, failures, dueAt, execution } = data;
  if (typeof state !== 'string' || !(state in STATES)) return mail;
  return {
    ...mail,
    state: state as MailTold['state'],
    attempt: typeof attempt === 'number' ? attempt : mail.attempt,
    failures: typeof failures === 'number' ? failures : mail.failures,
    dueAt: typeof dueAt === 'string' ? dueAt : null,
    executionId: typeof execution === 'string' ? execution : mail.executionId,
  };
}
