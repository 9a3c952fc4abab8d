// The names of an account's labels, for the items of its mails. Gmail is asked at most every 10 minutes for each
// credential of a process, and only where a mail has labels of a person's own.
// Invariant: a run never fails for a name, nor waits long for one.
import type { IExecuteFunctions } from 'n8n-workflow';
import { GmailClient } from '../../engine/gmail/api/client';
import type { GmailLogin } from '../../engine/gmail/api/login';
import { isOwnLabel } from '../../engine/gmail/mail/event';
import { errorText } from '../../engine/runtime/log';
import { monotonicNow, withDeadline } from '../../engine/runtime/time';
import type { GmailItemSettings } from '../host/items/gmail';
import { log } from '../host/n8n/log';

type Names = ReadonlyMap<string, string>;

const FRESH_MS = 10 * 60_000;
/** A label may be newer than the list, and Gmail may be back. */
const ASK_AGAIN_MS = 30_000;
const ANSWER_MS = 10_000;

interface Known {
  names: Names;
  /** By the monotonic clock. */
  askedAt: number;
  asking: Promise<void> | undefined;
}

/** By credential. */
const known = new Map<string, Known>();

/** @param login of the account; called only where Gmail has to be asked */
export const labelNames =
  (
    context: Pick<IExecuteFunctions, 'getNode'>,
    login: () => Promise<GmailLogin>,
  ): GmailItemSettings['labelNames'] =>
  async (wanted) => {
    // Gmail's own are called what their ids are.
    const own = wanted.filter(isOwnLabel);
    if (own.length === 0) return new Map();
    const account = accountOf(context);
    if (isDue(account, own)) {
      account.asking ??= ask(account, login);
      await account.asking;
    }
    return account.names;
  };

function accountOf(context: Pick<IExecuteFunctions, 'getNode'>): Known {
  const key = JSON.stringify(
    Object.entries(context.getNode().credentials ?? {}).map(([type, { id }]) => [type, id]),
  );
  const account = known.get(key) ?? { names: new Map(), askedAt: -Infinity, asking: undefined };
  known.set(key, account);
  return account;
}

function isDue({ names, askedAt }: Known, wanted: readonly string[]): boolean {
  const age = monotonicNow() - askedAt;
  return age > FRESH_MS || (age > ASK_AGAIN_MS && wanted.some((id) => !names.has(id)));
}

async function ask(account: Known, login: () => Promise<GmailLogin>): Promise<void> {
  try {
    account.names = await withDeadline('Asking for the labels', ANSWER_MS, read(login));
  } catch (error) {
    log.debug(`The names of labels are not known now; items show their ids: ${errorText(error)}`);
  } finally {
    account.askedAt = monotonicNow();
    account.asking = undefined;
  }
}

async function read(login: () => Promise<GmailLogin>): Promise<Names> {
  const client = new GmailClient(await login(), { signal: AbortSignal.timeout(ANSWER_MS) });
  return new Map((await client.labels()).map(({ id, name }) => [id, name]));
}
