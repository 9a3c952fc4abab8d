// One request over the logins that lead to an account.
// Invariant: what is refused to one login is tried with the others, each once; where all are refused it fails with the
// fault of the login that was to be asked first.
import { monotonicNow } from '../runtime/time';
import { AccountFault, type Purpose } from './fault';
import type { Ask, PolledTypes, Reaching } from './kind';
import type { Candidate, Logins } from './logins';

/** @param candidates the one to be asked first comes first */
export const askingInTurn =
  <K extends PolledTypes>(
    candidates: readonly Candidate<K>[],
    logins: Logins<K>,
    allRefused: Reaching<K>['allRefused'],
  ): Ask<K['api']> =>
  (purpose, call) =>
    askInTurn(candidates, logins, allRefused, purpose, call);

async function askInTurn<K extends PolledTypes, T>(
  candidates: readonly Candidate<K>[],
  logins: Logins<K>,
  allRefused: Reaching<K>['allRefused'],
  purpose: Purpose,
  call: (api: K['api']) => Promise<T>,
): Promise<T> {
  const askedAt = monotonicNow();
  const failed: { readonly candidate: Candidate<K>; readonly error: unknown; readonly isNews: boolean }[] =
    [];
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
      if (!(error instanceof AccountFault) || !error.isOfLoginFor(purpose)) {
        tell(true);
        throw error;
      }
      const isNews = logins.refused(key, purpose, error, askedAt, login.stored);
      failed.push({ candidate, error, isNews });
    }
  }
  tell(false);
  throw purpose === 'read' ? allRefused(failed[0]!.error) : failed[0]!.error;
}
