// What the ledger knows of the outbox, in the words of the console's addresses: times are ISO 8601.
// Invariants: nothing of what a sender needs is told; recipient and subject only where the console shows mails.
import type { Endpoint } from '../ledger/endpoints';
import type { Entry } from '../ledger/outbox';
import type { Template } from '../ledger/templates';
import { isoTime } from '../runtime/iso-time';
import type { MailTold } from './api';
import type { EndpointTold, EntryTold, TemplatesAnswer, TemplateTold } from './outbox-api';

export function tellEntry(
  { request: _, mayHaveArrived: _forRuns, restsUntil: _rests, origin, ...entry }: Entry,
  showMail: boolean,
): EntryTold {
  return {
    ...entry,
    ...origin,
    ...(!showMail && { recipient: null, subject: null }),
    dueAt: isoTime(entry.dueAt),
    queuedAt: isoTime(entry.queuedAt),
    begunAt: isoTime(entry.begunAt),
    settledAt: isoTime(entry.settledAt),
  };
}

export const tellAnswered = (mail: MailTold, showMail: boolean): MailTold =>
  showMail ? mail : { ...mail, sender: null, subject: null };

export const tellTemplate = (template: Template): TemplateTold => ({
  ...template,
  changedAt: isoTime(template.changedAt),
});

export const tellInList = ({ text, html, ...template }: Template): TemplatesAnswer['templates'][number] => ({
  ...template,
  changedAt: isoTime(template.changedAt),
  hasText: text !== null,
  hasHtml: html !== null,
});

export function tellEndpoint(endpoint: Endpoint): EndpointTold {
  const { request: _, wish, position: __, ...told } = endpoint;
  return {
    ...told,
    ...wish,
    url: withoutSecrets(endpoint.url),
    createdAt: isoTime(endpoint.createdAt),
    asideSince: isoTime(endpoint.asideSince),
    missedAt: isoTime(endpoint.missedAt),
  };
}

/** Who may post to some receivers has a token in the address: a name and password, what is asked, or a long part of the path. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return '(no URL)';
  const { protocol, host, pathname, search } = new URL(url);
  const path = pathname.replace(/[^/]{16,}/g, '…');
  return `${protocol}//${host}${path}${search === '' ? '' : '?…'}`;
}
