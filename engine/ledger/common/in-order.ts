// Answers in the order in which was asked: databases return rows as they come.
import { pointerName } from '../keys';
import type { Pointer } from '../pointer';

/** The rows in the order of their pointers, each once; a pointer without a row is left out. */
export function inOrder<T extends Pointer>(pointers: readonly Pointer[], rows: readonly T[]): T[] {
  if (pointers.length === 1) return rows.slice(0, 1);
  const found = new Map(rows.map((row) => [pointerName(row), row]));
  const names = new Set(pointers.map(pointerName));
  return [...names].flatMap((name) => found.get(name) ?? []);
}
