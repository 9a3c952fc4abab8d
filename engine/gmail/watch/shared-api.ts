// One account's API over all the logins that lead to it.
// Invariant: what is refused to one login is tried with the others, each once; where all are refused it fails with the
// fault of the login that was to be asked first.
import { errorText } from '../../runtime/log';
import { monotonicNow } from '../../runtime/time';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';
import type { Candidate, Logins, Purpose } from '../../polled/logins';

/** All logins are refused for what was asked; each of their owners was told. */
export class AllRefused extends GmailFault {
  constructor(cause: unknown) {
    const isFault = cause instanceof GmailFault;
    super(isFault ? cause.kind : 'unreachable', errorText(cause), {
      cause,
      ...(isFault && { isOfQuota: cause.isOfQuota, isOfToken: cause.isOfToken }),
    });
  }
}

/** @param candidates the one to be asked first comes first */
export function sharedApi(candidates: readonly Candidate[], logins: Logins): GmailApi {
  const ask = <T>(purpose: Purpose, call: (api: GmailApi) => Promise<T>): Promise<T> =>
    askInTurn(candidates, logins, purpose, call);
  return {
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
  };
}

async function askInTurn<T>(
  candidates: readonly Candidate[],
  logins: Logins,
  purpose: Purpose,
  call: (api: GmailApi) => Promise<T>,
): Promise<T> {
  const askedAt = monotonicNow();
  const failed: { readonly candidate: Candidate; readonly error: unknown; readonly isNews: boolean }[] = [];
  const tell = (othersRead: boolean): void => {
    const [first] = failed;
    // Who asks does so with its own login first. Where all fail, it hears of that from who asked.
    if (purpose !== 'read' && othersRead && first?.isNews && first.candidate === candidates[0])
      logins.warnOwners(first.candidate, purpose, first.error);
    if (purpose !== 'read') return;
    for (const { candidate, error, isNews } of failed)
      if (isNews) logins.tellOwners(candidate.owners, error, othersRead);
  };
  for (const candidate of candidates) {
    const { key, login, api } = candidate;
    const known = logins.refusal(key, purpose, login.stored);
    if (known) {
      failed.push({ candidate, error: known.error, isNews: false });
      continue;
    }
    try {
      const answer = await call(api);
      logins.worked(candidate, purpose);
      tell(true);
      return answer;
    } catch (error) {
      if (!isOfLogin(error, purpose)) {
        tell(true);
        throw error;
      }
      const isNews = logins.refused(key, purpose, error, askedAt, login.stored);
      failed.push({ candidate, error, isNews });
    }
  }
  tell(false);
  throw purpose === 'read' ? new AllRefused(failed[0]!.error) : failed[0]!.error;
}

/** A topic has to be in the project of the login that asks: another login's may be the one. */
const isOfLogin = (error: unknown, purpose: Purpose): boolean =>
  error instanceof GmailFault &&
  (error.isOfLogin || (purpose === 'notify' && error.kind === 'refused' && !error.isOfOtherTopic));
