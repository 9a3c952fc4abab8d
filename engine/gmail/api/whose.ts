// Whose mail a login opens: an access token does not say.
import { GmailClient } from './client';
import { GmailFault } from './fault';
import type { GmailLogin } from './login';

/** n8n waits for the answer, and so does whoever has pressed a button in the editor. */
const ANSWER_MS = 30_000;

/** @param whose names what it is made of, to go after "the": `credential …` @returns lower case @throws GmailFault */
export async function addressOf(login: GmailLogin, whose: string): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const { emailAddress } = await new GmailClient(login, { signal }).profile();
    return emailAddress.toLowerCase();
  } catch (error) {
    if (!signal.aborted || error instanceof GmailFault) throw error;
    throw new GmailFault(
      'unreachable',
      `Google could not be asked whose mail the ${whose} opens: there was no answer from ${login.endpoints.gmail} within ` +
        `${ANSWER_MS / 1_000} s.`,
    );
  }
}
