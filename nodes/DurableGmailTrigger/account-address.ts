// Whose mail an OAuth2 credential opens: it does not say, so Google is asked, once for each sign-in.
import type { GmailLogin } from '../../engine/gmail/api/login';
import { addressOf } from '../../engine/gmail/api/whose';

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

const ask = (name: string, login: Omit<GmailLogin, 'address'>): Promise<string> =>
  addressOf({ ...login, address: `the account of the credential ${name}` }, `credential ${name}`);
