// The order of what leaves at Already done: Run Once and Durable Send behind it tell the items of one email apart by their order.
// Invariant: what the steps of one call handed on comes in the order in which it came then, whatever order its items have now.
import type { INodeExecutionData } from 'n8n-workflow';

/** An item that a call's steps handed on. */
export interface Given {
  readonly call: string;
  /** Its place among all that the call's steps handed on. */
  readonly at: number;
  /** Its place among the items that leave. */
  readonly place: number;
}

/** @returns the items, those of each call in their order then, in the places that they have together */
export function asHandedOn(items: INodeExecutionData[], given: readonly Given[]): INodeExecutionData[] {
  const calls = new Map<string, Given[]>();
  for (const one of given) {
    const those = calls.get(one.call);
    if (those) those.push(one);
    else calls.set(one.call, [one]);
  }
  const found = [...items];
  for (const those of calls.values()) {
    const places = those.map(({ place }) => place);
    const sorted = [...those].sort((one, other) => one.at - other.at);
    for (const [index, { place }] of sorted.entries()) found[places[index]!] = items[place]!;
  }
  return found;
}
