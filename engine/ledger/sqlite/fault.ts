// What node:sqlite and the file system could not do, as a LedgerFault: what happened, to which file, what to do.
// Invariant: SQLite's own texts name tables and columns, never a row's values; nothing else is passed on.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
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

const BUSY = 5;
const READ_ONLY = 8;
const CANNOT_OPEN = 14;

/** By the file system's code. */
const BY_CODE: Readonly<Record<string, readonly [LedgerFaultKind, string]>> = {
  EACCES: BY_RESULT[3]!,
  EPERM: BY_RESULT[3]!,
  EROFS: BY_RESULT[8]!,
  EIO: BY_RESULT[10]!,
  ENOSPC: BY_RESULT[13]!,
  EDQUOT: BY_RESULT[13]!,
  EMFILE: ['unreachable', 'this process has too many files open. Raise its limit of open files (ulimit -n).'],
  ENFILE: ['unreachable', 'this machine has too many files open. End what holds them, or raise its limit.'],
};

/** Busy, or locked: another process holds the file's lock, for a moment as a rule. */
export function isBusy(error: unknown): boolean {
  const cause = error instanceof LedgerFault ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  const { code, errcode } = cause as { code?: unknown; errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' && (errcode & 0xff) === BUSY;
}

/** @returns the fault; what is no error of the database or the file system comes back as it is */
export function sqliteFault(error: unknown, file: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR') {
    const result = typeof errcode === 'number' ? errcode & 0xff : 0;
    const code = result === CANNOT_OPEN || result === READ_ONLY ? whatStops(file) : null;
    if (code) return fileFault(code, file, error);
    const [kind, what] = BY_RESULT[result] ?? ['other', `${errorText(error)}.`];
    return new LedgerFault(kind, `The mail ledger ${file}: ${what}`, { cause: error });
  }
  if (typeof code === 'string' && 'syscall' in error) {
    return fileFault(code, file, error);
  }
  return error;
}

function fileFault(code: string, file: string, cause: Error): LedgerFault {
  const [kind, what] = BY_CODE[code] ?? BY_RESULT[CANNOT_OPEN]!;
  return new LedgerFault(kind, `The mail ledger ${file}: ${what} (${code})`, { cause });
}

/**
 * SQLite calls rights, a disk that is away and a lack of file handles by one name: the file is asked, then its
 * folder, where SQLite makes files of its own. @returns the file system's code; null: nothing is wrong with them
 */
function whatStops(file: string): string | null {
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const code = codeOf(() => accessSync(path, constants.R_OK | constants.W_OK));
    if (code !== null && code !== 'ENOENT') return code;
  }
  const folder = dirname(file);
  return codeOf(() => {
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  });
}

function codeOf(look: () => void): string | null {
  try {
    look();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? null;
  }
}
