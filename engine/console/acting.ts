// What an act is given, and what it is.
import type { Wake } from '../signal/wake';
import type { ConsoleContext } from './context';
import type { Jobs } from './jobs';
import type { ConsoleLedger } from './ports';

export interface Acting extends Pick<ConsoleContext, 'showMail' | 'wakeOutbox' | 'look' | 'templates'> {
  readonly ledger: ConsoleLedger;
  readonly wake: Pick<Wake, 'notify'>;
  readonly jobs: Jobs;
}

export type Body = Readonly<Record<string, unknown>>;

/** @param by who asked @throws Refusal, LedgerFault */
export type Act = (acting: Acting, body: Body, by: string) => Promise<unknown>;
