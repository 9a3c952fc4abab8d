// What the tests of the Gmail trigger have measured, as the table of docs/gmail-faults.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from './gmail-in-n8n';
import { markdownTable } from './table';

const FILE = join(__dirname, '..', '..', 'docs', 'gmail-faults.md');

export interface GmailRow extends Tally {
  readonly what: string;
}

const PREFACE = `# What can happen to mail in Gmail

Each row was tried in a real n8n with the Durable Gmail Trigger, at a server that speaks the Gmail API and fails as told:
how many mails had to run the workflow, how many did not (lost), how many ran it twice (repeated), how many ran it that should
not have (unwanted), and what all calls of the account have cost in units of quota (a mail 20, a look at the history 2). The account is
asked every 5 seconds here. The test run measures and writes it:

\`\`\`sh
WRITE_DOCS=1 npm test -- e2e/gmail-faults
\`\`\`
`;

/** One line of a log. */
export const rowLine = (row: GmailRow): string =>
  [
    row.what,
    `mails ${row.expected}`,
    `lost ${row.lost}`,
    `repeated ${row.repeated}`,
    `unwanted ${row.unwanted}`,
    `units ${row.units}`,
  ].join(' | ');

/** In the order of `whats`. */
export async function writeGmailTable(rows: readonly GmailRow[], whats: readonly string[]): Promise<void> {
  const cells = whats
    .flatMap((what) => rows.filter((row) => row.what === what))
    .map((row) => [row.what, ...[row.expected, row.lost, row.repeated, row.unwanted, row.units].map(String)]);
  const head = ['What happens', 'Mails', 'Lost', 'Repeated', 'Unwanted', 'Units'];
  await writeFile(FILE, `${PREFACE}\n${markdownTable([head, ...cells])}`);
}
