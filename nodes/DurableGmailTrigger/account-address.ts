// Whose mail an OAuth2 credential opens: it does not say, so Google is asked, once for each sign-in.
import { GmailClient } from '../../engine/gmail/api/client';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { GmailLogin } from '../../engine/gmail/api/login';

/** n8n waits for the answer, and so does whoever has pressed a button in the editor. */
const ANSWER_MS = 30_000;

interface Named {
  /** The credential's id. */
  readonly key: string;
  /** The credential, for people. */
  readonly name: string;
}

/** By credential, for as long as it holds the same grant and the API is at the same place. */
const known = new Map<string, { readonly grant: string; readonly address: string }>();
/** By credential, place and grant: many triggers may come back in one instant. */
const asking = new Map<string, Promise<string>>();

/** @returns lower case @throws GmailFault */
export async function accountAddress(
  { key, name }: Named,
  grant: string,
  login: Omit<GmailLogin, 'address'>,
): Promise<string> {
  const place = `${key} ${login.endpoints.gmail}`;
  const found = known.get(place);
  if (found?.grant === grant) return found.address;
  const question = `${place} ${grant}`;
  const asked = asking.get(question) ?? ask(name, login).finally(() => asking.delete(question));
  asking.set(question, asked);
  const address = await asked;
  known.set(place, { grant, address });
  return address;
}

async function ask(name: string, login: Omit<GmailLogin, 'address'>): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const client = new GmailClient({ ...login, address: `the account of the credential ${name}` }, { signal });
  try {
    const { emailAddress } = await client.profile();
    return emailAddress.toLowerCase();
  } catch (error) {
    throw signal.aborted && !(error instanceof GmailFault) ? noAnswer(name, login.endpoints.gmail) : error;
  }
}

const noAnswer = (name: string, from: string): GmailFault =>
  new GmailFault(
    'unreachable',
    `Google could not be asked whose mail the credential ${name} opens: there was no answer from ${from} within ` +
      `${ANSWER_MS / 1_000} s.`,
  );
