// Why a server does not judge mails by somebody's rules, in words that blame the rules only where it is theirs.
import { ImapFault } from './fault';
import { isBusy } from './fault-texts';
import type { Refusal } from './refusal';

/** @param rule one that only Gmail knows */
export const rulesOnlyOfGmail = (host: string, rule: string): ImapFault =>
  new ImapFault(
    'other',
    `Custom Email Rules has a rule that only Gmail knows (${rule}), and ${host} is not Gmail. Take the rule out.`,
  );

export const refusedRules = (host: string, refusal: Refusal): ImapFault =>
  isBusy(refusal.code ?? undefined, refusal.message)
    ? new ImapFault(
        'busy',
        `${host} does not search at the moment (${refusal.message}), which Custom Email Rules need. It is asked again.`,
        { cause: refusal },
      )
    : new ImapFault(
        'other',
        `${host} refused to search by Custom Email Rules (${refusal.message}). Check them.`,
        { cause: refusal },
      );
