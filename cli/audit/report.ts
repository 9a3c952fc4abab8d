// What an audit tells: a line a mailbox, and, where it is asked for, one for each mail that is missing.
// Invariant: of a mail no more is told than its UID or id, its date and its size.
import { isoTime } from '../../engine/runtime/iso-time';
import type { AuditCounts } from '../../engine/source/audit';

interface Of {
  readonly account: string;
  /** Null: none of them. */
  readonly mailbox: string | null;
}

export interface MissingMail {
  /** Of an IMAP mailbox. */
  readonly uid?: number;
  /** Gmail's own, of an account that is read by its API. */
  readonly id?: string;
  readonly receivedAt: number | null;
  readonly size: number;
}

type Missing = Of & MissingMail;

interface Compared extends Of, AuditCounts {
  readonly done: number;
  readonly waiting: number;
  readonly dead: number;
  /** GONE and UNKNOWN. */
  readonly other: number;
}

export interface Reporter {
  missing(mail: Missing): void;
  compared(counts: Compared): void;
  failed(of: Of, why: string): void;
}

export function reporterOf(
  print: (line: string) => void,
  { json, list }: { readonly json: boolean; readonly list: boolean },
): Reporter {
  const told = (value: object, line: string): void =>
    print(json ? JSON.stringify(value) : line.replace(/[\r\n]+/g, ' '));
  return {
    missing: ({ receivedAt, ...mail }) => {
      if (!list) return;
      const at = isoTime(receivedAt);
      told(
        { kind: 'missing', ...mail, receivedAt: at },
        `${nameOf(mail)}: missing ${mail.uid === undefined ? `message ${mail.id}` : `UID ${mail.uid}`}, received ${at ?? 'nobody knows when'}, ${mail.size} octets`,
      );
    },
    compared: (counts) => told({ kind: 'mailbox', ...counts }, `${nameOf(counts)}: ${sentence(counts)}`),
    failed: (of, why) => told({ kind: 'failed', ...of, error: why }, `${nameOf(of)}: FAILED: ${why}`),
  };
}

const nameOf = ({ account, mailbox }: Of): string => (mailbox === null ? account : `${account} ${mailbox}`);

function sentence(counts: Compared): string {
  const { listed, known, notDue, notYet, refused, missing, recorded, done, waiting, dead, other } = counts;
  const some = (count: number, what: string): string[] => (count > 0 ? [`${count} ${what}`] : []);
  const server = [
    `${listed} on the server`,
    `${known} known to the ledger`,
    ...some(notDue, 'that nobody takes'),
    ...some(notYet, 'not looked at yet'),
    ...some(refused, 'that the server does not hand out'),
    missing === 0
      ? 'none missing'
      : `${missing} NEVER SEEN${recorded > 0 ? `, of which ${recorded} were recorded now` : ''}`,
  ];
  const events = [`${done} done`, `${waiting} waiting`, `${dead} dead`, ...some(other, 'gone or unknown')];
  return `${server.join(', ')}; in the ledger: ${events.join(', ')}`;
}
