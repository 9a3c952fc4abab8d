// How the trigger listens to a Gmail account: as a whole, under the address that Google gives it.
// Invariant: what arrives after people were told that the trigger listens is read, also where Google could not say
// until later whose mail it is.
import type { ITriggerFunctions } from 'n8n-workflow';
import { GmailFault, type GmailFaultKind } from '../../engine/gmail/api/fault';
import type { GmailLogin } from '../../engine/gmail/api/login';
import type { GmailReading } from '../../engine/gmail/read/reading';
import { GMAIL_MAILBOX } from '../../engine/ledger/keys';
import type { SourceKey } from '../../engine/ledger/ledger';
import { CLOCK_MARGIN_MS } from '../../engine/runtime/time';
import type { Collector } from '../host/collector';
import { credentialName } from './login';

const NEEDS_PERSON: ReadonlySet<GmailFaultKind> = new Set<GmailFaultKind>(['login', 'forbidden', 'refused']);

export interface GmailCollecting {
  readonly reading: GmailReading;
  readonly login: () => Promise<GmailLogin>;
  /** Names what is stored as the login now. */
  readonly stored?: () => Promise<string>;
}

export function gmailCollector(
  context: Pick<ITriggerFunctions, 'getNode'>,
  { reading, login, stored }: GmailCollecting,
): Collector {
  let known: string | undefined;
  let hasSubscribed = false;
  return {
    watched: () =>
      known === undefined
        ? `The Gmail account of the credential ${credentialName(context)}`
        : `The Gmail account ${known}`,

    place: ({ account }) => `Gmail account ${account}`,

    isWhole: (error) => error instanceof GmailFault && error.isWhole,

    heals: (error) => error instanceof GmailFault && !NEEDS_PERSON.has(error.kind),

    collect: async ({ ledger, gmail }, ports) => {
      const { address } = await login();
      known = address;
      const { workflowId, nodeId, subscription } = ports;
      const source: SourceKey = { kind: 'gmail', account: address, mailbox: GMAIL_MAILBOX };
      const stopping = new AbortController();
      let leave: (() => Promise<void>) | undefined;
      return {
        start: async () => {
          const toldAt = hasSubscribed ? null : ports.begunAt();
          const subscribed = await ledger.subscribe({ workflowId, nodeId, source, ...subscription });
          hasSubscribed = true;
          if (stopping.signal.aborted) return [];
          const begins = subscribed.cursor === null ? fromWhenTold(reading, toldAt) : reading;
          const subscriber = ports.subscriber(subscribed, {
            reading: begins,
            login,
            ...(stored && { stored }),
            mostConnections: 1,
          });
          leave = gmail.join(source, subscriber);
          ports.joined();
          return subscribed.nodeIds;
        },
        stop: async () => {
          stopping.abort();
          await leave?.();
        },
      };
    },
  };
}

/** Nobody could subscribe before: whose mail it is was not known. "From now on" was then. */
const fromWhenTold = (reading: GmailReading, toldAt: number | null): GmailReading =>
  toldAt === null || reading.start.kind !== 'new'
    ? reading
    : { ...reading, start: { kind: 'since', at: toldAt - CLOCK_MARGIN_MS } };
