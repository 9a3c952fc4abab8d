// What node:sqlite and the file system could not do, as a LedgerFault: what happened, to which file, what to do.
// Invariant: SQLite's own texts name tables and columns, never a row's values; nothing else is passed on.
import { errorText } from '../../runtime/log';
import { LedgerFault, type LedgerFaultKind } from '../fault';

/** By SQLite's primary result code (the low byte of `errcode`). */
const BY_RESULT: Readonly<Record<number, readonly [LedgerFaultKind, string]>> = {
  3: ['rights', 'n8n may not use it. Let the user that n8n runs as read and write the file and its folder.'],
  5: ['unreachable', 'another process has locked it. If this lasts, end whatever else has it open.'],
  6: ['unreachable', 'it is locked. If this lasts, restart n8n.'],
  8: [
    'readonly',
    'it takes no changes. Let n8n write to the file and its folder, and mount the disk writable.',
  ],
  10: ['unreachable', 'the disk failed to read or write it. Check the disk, or the network share it is on.'],
  11: ['other', 'it is damaged. Move it away, with its -wal and -shm files, or restore it from a backup.'],
  13: ['full', 'the disk is full. Make room on it; nothing recorded is lost.'],
  14: [
    'unreachable',
    'it cannot be opened. Check that n8n may write to its folder, and that the disk is there.',
  ],
  26: ['other', 'this is no SQLite database. Move the file away, or restore it from a backup.'],
};

/** By the file system's code, while its folder is made. */
const BY_CODE: Readonly<Record<string, readonly [LedgerFaultKind, string]>> = {
  EACCES: BY_RESULT[3]!,
  EPERM: BY_RESULT[3]!,
  EROFS: BY_RESULT[8]!,
  EIO: BY_RESULT[10]!,
  ENOSPC: BY_RESULT[13]!,
  EDQUOT: BY_RESULT[13]!,
};

/** @returns the fault; what is no error of the database or the file system comes back as it is */
export function sqliteFault(error: unknown, file: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR') {
    const known = typeof errcode === 'number' ? BY_RESULT[errcode & 0xff] : undefined;
    const [kind, what] = known ?? ['other', `${errorText(error)}.`];
    return new LedgerFault(kind, `The mail ledger ${file}: ${what}`, { cause: error });
  }
  if (typeof code === 'string' && 'syscall' in error) {
    const [kind, what] = BY_CODE[code] ?? BY_RESULT[14]!;
    return new LedgerFault(kind, `The mail ledger ${file}: ${what} (${code})`, { cause: error });
  }
  return error;
}
