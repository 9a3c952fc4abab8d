// Pointers on their way into a statement, and back in the order that they came in.
import { pointerName } from '../keys';
import type { Pointer } from '../ledger';

/** Two parameters: the events, and their attempts. */
export const asked = (pointers: readonly Pointer[]): [string[], number[]] => [
  pointers.map(({ event }) => event),
  pointers.map(({ attempt }) => attempt),
];

/** Those of the rows that were asked for, each once. */
export function inOrder<T extends Pointer>(pointers: readonly Pointer[], rows: readonly T[]): T[] {
  const found = new Map(rows.map((row) => [pointerName(row), row]));
  const names = new Set(pointers.map(pointerName));
  return [...names].flatMap((name) => found.get(name) ?? []);
}
