// n8n's log, under this package's name.
import { LoggerProxy } from 'n8n-workflow';
import { foldRepeats } from '../../../engine/runtime/folded-log';
import type { Log } from '../../../engine/runtime/log';

const named = (message: string): string => `[durable-mail] ${message}`;

/** While the ledger is away everybody says so, each in other words: what it says of itself is the outage. */
const LEDGER_FAULT = /(?:The mail ledger|Postgres at) .*/s;

const outageOf = (message: string): string => LEDGER_FAULT.exec(message)?.[0] ?? message;

export const log: Log = foldRepeats(
  {
    debug: (message, fields) => LoggerProxy.debug(named(message), fields),
    info: (message, fields) => LoggerProxy.info(named(message), fields),
    warn: (message, fields) => LoggerProxy.warn(named(message), fields),
    error: (message, fields) => LoggerProxy.error(named(message), fields),
  },
  outageOf,
);
