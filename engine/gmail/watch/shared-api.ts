// One Gmail account's API over all the logins that lead to it.
import type { Ask } from '../../polled/kind';
import { errorText } from '../../runtime/log';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';

/** All logins are refused for what was asked; each of their owners was told. */
export class AllRefused extends GmailFault {
  override readonly isOfAllLogins = true;

  constructor(cause: unknown) {
    const isFault = cause instanceof GmailFault;
    super(isFault ? cause.kind : 'unreachable', errorText(cause), {
      cause,
      ...(isFault && { isOfQuota: cause.isOfQuota, isOfToken: cause.isOfToken }),
    });
  }
}

export const sharedApi = (ask: Ask<GmailApi>): GmailApi => ({
  profile: () => ask('read', (api) => api.profile()),
  history: (start, pageToken) => ask('read', (api) => api.history(start, pageToken)),
  messages: (query, priority) => ask('read', (api) => api.messages(query, priority)),
  message: (id, priority) => ask('read', (api) => api.message(id, priority)),
  labels: () => ask('read', (api) => api.labels()),
  modify: (id, change) => ask('change', (api) => api.modify(id, change)),
  modifyAll: (ids, change) => ask('change', (api) => api.modifyAll(ids, change)),
  trash: (id) => ask('change', (api) => api.trash(id)),
  watch: (topic) => ask('notify', (api) => api.watch(topic)),
  stop: () => ask('notify', (api) => api.stop()),
});
