// What a trigger takes from its mailboxes, and how they are read, as data (engine/source/reading-data.ts), and what it is compiled to.
// Invariant: whoever reads, the trigger too, reads by what is compiled here, so that all take the same mails.
import { type MailFilter, parseTextMatch, type TextMatch } from '../../mail/filter';
import { compiledSetting, type ReadingData, refuseNewerForm } from '../../source/reading-data';
import { compileRules, type Rules, type SearchCriteria } from '../rules/criteria';
import type { MailboxChoice } from '../session/mailboxes';
import type { ImapReading } from './reading';

const FORM = 1;

export interface ImapReadingData extends ReadingData, ImapTaking {
  readonly v: typeof FORM;
  readonly mailboxes: MailboxChoice;
  /** As in ImapReading. */
  readonly heartbeatMs: number | null;
  readonly commandMs: number;
  readonly reconnectMs: number | null;
}

/** Which mails are taken; null: all. */
export interface ImapTaking {
  readonly filter: ImapFilterData | null;
  /** Custom email rules. */
  readonly rules: Rules | null;
}

/** As MailFilter; texts as people write them (`parseTextMatch`). */
export interface ImapFilterData extends Omit<MailFilter, TextField> {
  readonly from?: string;
  readonly to?: string;
  readonly subject?: string;
}

type TextField = 'from' | 'to' | 'subject';

/** @throws Error that names the setting, or says that a newer version has stored it */
export function compileImapReading(data: ImapReadingData): ImapReading {
  refuseNewerForm(data, FORM);
  const { start, skipBefore, mostStoredBytes, heartbeatMs, commandMs, reconnectMs } = data;
  return {
    ...{ start, skipWhileOff: skipBefore !== null, mostStoredBytes },
    ...(skipBefore !== null && { skipBefore }),
    ...compileImapTaking(data),
    ...{ heartbeatMs, commandMs, reconnectMs },
  };
}

/** @throws Error that names the setting */
export const compileImapTaking = ({
  filter,
  rules,
}: ImapTaking): { readonly filter: MailFilter | null; readonly criteria: SearchCriteria | null } => ({
  filter: filter && compileFilter(filter),
  criteria: rules && compiledSetting('"Custom Email Rules"', () => compileRules(rules)),
});

function compileFilter({ from, to, subject, ...rest }: ImapFilterData): MailFilter {
  const match = (shown: string, text: string): TextMatch =>
    compiledSetting(`The filter "${shown}"`, () => parseTextMatch(text));
  return {
    ...(from !== undefined && { from: match('From', from) }),
    ...(to !== undefined && { to: match('To', to) }),
    ...(subject !== undefined && { subject: match('Subject', subject) }),
    ...rest,
  };
}
