// How an adapter's parts become the ledger. A part is what one file of an adapter does of the port: for each method the
// same arguments, behind a connection; the ledger is the sum of all parts, each method asked in the adapter's way.
// Invariants: the signatures stand in the port alone; a method that no part has does not compile; and who may ask for what
// is the same in every adapter.
import type { Ledger, LedgerParts } from '../ledger';

/** What the ledger can be asked. */
export type Call = Exclude<keyof Ledger, 'place' | 'close'>;

/** A part of the port, done on a connection; at once, or when its promise is kept. */
export type PartOn<Connection, Port> = {
  readonly [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Result>
    ? (connection: Connection, ...args: Args) => Result | Promise<Result>
    : never;
};

/**
 * What only the owner of the ledger may ask (ownership.ts): it takes in, begins, hands out or lets go. All else anybody
 * may: what was begun still ends, and people look and act.
 */
const OWNERS: ReadonlySet<string> = new Set<keyof LedgerParts>([
  'record',
  'offer',
  'claim',
  'takeByHand',
  'takeEnded',
  'takeUnserved',
  'holdSource',
  'takeKeys',
  'takeEntries',
  'tellEndpoint',
  'sweep',
]);

/** Asked for each call. @param isOwners only the owner may ask it @param work does it, once or several times */
export type Way<Connection> = (
  call: Call,
  isOwners: boolean,
  work: (connection: Connection) => unknown,
) => Promise<unknown>;

/** The port of the parts. */
export const summed = <Connection, Port extends object>(
  parts: PartOn<Connection, Port>,
  way: Way<Connection>,
): Port =>
  Object.fromEntries(
    Object.entries<(connection: Connection, ...args: unknown[]) => unknown>(parts).map(([call, method]) => [
      call,
      (...args: unknown[]) =>
        way(call as Call, OWNERS.has(call), (connection) => method(connection, ...args)),
    ]),
  ) as Port;
