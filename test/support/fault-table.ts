// What the tests of the faults have measured, as the table of docs/imap-faults.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdownTable } from './table';

const FILE = join(__dirname, '..', '..', 'docs', 'imap-faults.md');
export const TRANSPORTS = ['plain', 'TLS'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface Outcome {
  /** What happens to the connection, and how it is noticed: for people. */
  readonly what: string;
  readonly noticed: string;
  readonly transport: Transport;
  /** From the last hidden mail's arrival, or the end of the outage, until it was recorded, ms. */
  readonly foundMs: number;
  readonly afterTheOutage: boolean;
  /** Mails that were not recorded, and events too many. */
  readonly lost: number;
  readonly repeated: number;
  readonly connections: number;
}

const HEAD = [
  'What happens to the connection',
  'How it is noticed',
  'Found after (plain, TLS)',
  'Lost',
  'Repeated',
  'Connections (plain, TLS)',
];

const PREFACE = `# When an IMAP connection breaks

Each row is a way in which a mail server or the network in between fails, tried on a real Dovecot through a proxy that
breaks the connection, with mails that came before, during and after the fault: how long the mails of the meantime took
to be recorded, whether one was lost or recorded twice, and how many connections were made in all. The test run measures
and writes it, with the times as they are by default (a heartbeat every 60 s, a deadline of 30 s for each answer):

\`\`\`sh
WRITE_DOCS=1 npm test -- imap-faults
\`\`\`

"Found after" is the time from the mail's arrival, or from the end of the outage where the row says so. Each account is alone with its
server here: where several wait for one server, the first that finds it back calls the others, which try it within 15 s.
`;

const seconds = (ms: number): string =>
  ms < 9_950 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;

/** One line of a log. */
export const outcomeLine = (outcome: Outcome): string =>
  [
    outcome.what,
    outcome.transport,
    `found after ${seconds(outcome.foundMs)}${outcome.afterTheOutage ? ' (from its end)' : ''}`,
    `lost ${outcome.lost}`,
    `repeated ${outcome.repeated}`,
    `connections ${outcome.connections}`,
  ].join(' | ');

/** In the order of `whats`. */
export async function writeFaultTable(outcomes: readonly Outcome[], whats: readonly string[]): Promise<void> {
  const rows = whats.map((what) => row(outcomes.filter((outcome) => outcome.what === what)));
  await writeFile(FILE, `${PREFACE}\n${markdownTable([HEAD, ...rows])}`);
}

function row(outcomes: readonly Outcome[]): string[] {
  const each = (cell: (outcome: Outcome) => string): string =>
    TRANSPORTS.map((name) => outcomes.find(({ transport }) => transport === name))
      .map((outcome) => (outcome ? cell(outcome) : '-'))
      .join(', ');
  const sum = (count: (outcome: Outcome) => number): string =>
    String(outcomes.reduce((total, outcome) => total + count(outcome), 0));
  const [first] = outcomes;
  const from = first?.afterTheOutage ? ' after its end' : '';
  return [
    first?.what ?? '',
    first?.noticed ?? '',
    each(({ foundMs }) => seconds(foundMs)) + from,
    sum(({ lost }) => lost),
    sum(({ repeated }) => repeated),
    each(({ connections }) => String(connections)),
  ];
}
