// n8n's log, under this package's name.
import { LoggerProxy } from 'n8n-workflow';
import type { Log } from '../../engine/runtime/log';

const named = (message: string): string => `[durable-mail] ${message}`;

export const log: Log = {
  debug: (message, fields) => LoggerProxy.debug(named(message), fields),
  info: (message, fields) => LoggerProxy.info(named(message), fields),
  warn: (message, fields) => LoggerProxy.warn(named(message), fields),
  error: (message, fields) => LoggerProxy.error(named(message), fields),
};
