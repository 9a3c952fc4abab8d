// What goes between n8n's thread and that of a SQLite file: messages, and faults as values.
// Invariant: a LedgerFault arrives as what it was, in its kind and its words; any other error keeps its text and stack.
import type { LogFields } from '../../../runtime/log';
import type { Call } from '../../common/parts';
import { LedgerFault, type LedgerFaultKind } from '../../fault';
import type { Instance } from '../../ownership';
import type { OpenedFile } from '../connection';
import type { Role } from './calls';

/** Which file, and what for. */
export interface Opening {
  readonly file: string;
  readonly role: Role;
  readonly instance: Omit<Instance, 'isGone'> | null;
  /** It was open before: it has to be this one still. */
  readonly same?: OpenedFile | undefined;
}

/** Asked of the thread; each is answered once, by its id. */
export type Question =
  | { readonly kind: 'open'; readonly opening: Opening }
  | { readonly kind: 'call'; readonly call: Call; readonly args: readonly unknown[] }
  | { readonly kind: 'close' };

export type ToThread =
  | (Question & { readonly id: number })
  /** The next piece of a long answer. */
  | { readonly kind: 'next'; readonly id: number }
  /** Whether the process is gone that the thread asked for. */
  | { readonly kind: 'gone'; readonly id: number; readonly isGone: boolean };

export type FromThread =
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  /** Of a list; `last`: all of it is there. */
  | {
      readonly kind: 'piece';
      readonly id: number;
      readonly items: readonly unknown[];
      readonly last: boolean;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'isGone'; readonly id: number; readonly home: string }
  | { readonly kind: 'warn'; readonly message: string; readonly fields: LogFields | undefined };

export interface Failure {
  /** Null: no LedgerFault. */
  readonly kind: LedgerFaultKind | null;
  readonly message: string;
  readonly stack: string | undefined;
}

export const failureOf = (error: unknown): Failure => ({
  kind: error instanceof LedgerFault ? error.kind : null,
  message: error instanceof Error ? error.message : String(error),
  stack: error instanceof Error ? error.stack : undefined,
});

export function errorOf({ kind, message, stack }: Failure): Error {
  if (kind !== null) return new LedgerFault(kind, message);
  const error = new Error(message);
  // Where it happened, not where it arrived.
  if (stack !== undefined) error.stack = stack;
  return error;
}
