// What the scenarios of the Durable Gmail Trigger share: each has an account of its own, and none minds another.
import { postGmail, WHOLE_ITEM } from '../../support/gmail-workflow';
import type { GmailInN8n } from '../../support/gmail-in-n8n';
import type { Sink } from '../../support/sink';
import { until } from '../../support/until';
import type { Step } from '../../support/workflows';

export type Does = (what: string, run: (life: GmailInN8n) => Promise<void>) => void;

export const MINUTE_MS = 60_000;
export const PATIENCE_MS = 2 * MINUTE_MS;
/** What failed is tried again after half a minute, and then after minutes. */
export const MORE_PATIENCE_MS = 7 * MINUTE_MS;

export const postWhole = (sink: Sink): readonly Step[] => [postGmail(sink, 'Sink', WHOLE_ITEM)];

export const labels = ({ account }: GmailInN8n, mail: string): string[] => [...account.labelsOf(mail)].sort();

export const become = (
  life: GmailInN8n,
  mail: string,
  wanted: readonly string[],
  deadlineMs = PATIENCE_MS,
): Promise<unknown> =>
  until(
    `the labels of the mail become ${wanted.join(', ')}`,
    () => JSON.stringify(labels(life, mail)) === JSON.stringify([...wanted].sort()),
    deadlineMs,
  );
