// What can be wrong with the thread of a SQLite file itself, in words; what is wrong with the file, SQLite says (../fault.ts).
import { errorText } from '../../../runtime/log';
import { LedgerFault } from '../../fault';

export const noThreadFault = (file: string, cause: unknown): LedgerFault =>
  new LedgerFault(
    'other',
    `The mail ledger ${file} needs a thread of its own (node:worker_threads), and this Node.js gives it none: ` +
      `${errorText(cause).replace(/\.+$/, '')}. Let the process that n8n runs in start threads (--allow-worker).`,
    { cause },
  );

export const silentFault = (file: string): LedgerFault =>
  new LedgerFault(
    'unreachable',
    `The mail ledger ${file}: its disk does not answer. What was asked of it last may have been done, or not; it goes on by ` +
      'itself as soon as the disk answers. Check that the disk, or the network drive, is there and healthy.',
  );

export const endedFault = (file: string, cause: unknown): LedgerFault =>
  new LedgerFault(
    'unreachable',
    `The mail ledger ${file}: the thread that has it open has ended (${errorText(cause)}). It is started anew when it ` +
      'is needed next. If this happens again and again, give n8n more memory, and look into the log for what went before.',
    { cause },
  );
