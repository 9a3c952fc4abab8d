// Pointers on their way into a statement.
import type { Pointer } from '../pointer';

/** Two parameters: the events, and their attempts. */
export const asked = (pointers: readonly Pointer[]): [string[], number[]] => [
  pointers.map(({ event }) => event),
  pointers.map(({ attempt }) => attempt),
];
