// What people did with an event by hand, and what is told of it.
import type { Deed } from '../life';
import { storable } from './storable';

const MOST_BY = 100;

/** Who did it, as it is stored. */
export const doerOf = (by: string | undefined): string | null =>
  by === undefined || by === '' ? null : storable(by.slice(0, MOST_BY));

/** What is added to the details of a change, in the place of the brace that ends them. */
export const toldDeed = (what: Deed['what'], by: string | null): string =>
  `,"what":${JSON.stringify(what)},"by":${JSON.stringify(by)}}`;
