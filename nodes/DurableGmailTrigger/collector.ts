// How the trigger listens to a Gmail account: as a whole, under the address that Google gives it.
// Invariant: what arrives after people were told that the trigger listens is read, also where Google could not say
// until later whose mail it is.
import type { ITriggerFunctions } from 'n8n-workflow';
import { GmailFault, type GmailFaultKind } from '../../engine/gmail/api/fault';
import type { AccessToken, GmailLogin } from '../../engine/gmail/api/login';
import { gmailSource } from '../../engine/gmail/mail/source';
import { compileGmailReading, type GmailReadingData } from '../../engine/gmail/read/reading-data';
import { type Collector, fromWhenTold, knownPlaces } from '../host/listen/collector';
import type { ReadBy } from '../host/trigger/collecting';
import { credentialName } from './login';

const NEEDS_PERSON: ReadonlySet<GmailFaultKind> = new Set<GmailFaultKind>(['login', 'forbidden', 'refused']);

export interface GmailCollecting {
  readonly reading: GmailReadingData;
  /** Which process reads the account; whose it is, is asked here in any case. */
  readonly readBy: ReadBy;
  readonly login: () => Promise<GmailLogin>;
  /** Names what is stored as the login now. */
  readonly stored?: () => Promise<string>;
  /** Of the service account that reads Pub/Sub. */
  readonly pubsubToken: () => Promise<AccessToken>;
}

export function gmailCollector(
  context: Pick<ITriggerFunctions, 'getNode'>,
  { reading: data, readBy, login, stored, pubsubToken }: GmailCollecting,
): Collector {
  const reading = compileGmailReading(data, pubsubToken);
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
      const { trigger, subscription } = ports;
      const isKnown = async (): Promise<boolean> =>
        (await knownPlaces(ledger, trigger)).some(({ source }) => source.kind === 'gmail');
      // It goes on where it stands, however long Google takes to answer.
      if (!reading.skipWhileOff && (await isKnown())) ports.joined();
      const { address } = await login();
      known = address;
      const source = gmailSource(address);
      const stopping = new AbortController();
      let leave: (() => Promise<void>) | undefined;
      return {
        start: async () => {
          const toldAt = hasSubscribed ? null : ports.begunAt();
          const subscribed = await ledger.subscribe({ ...trigger, source, ...subscription, reading: data });
          await ledger.listensWith(trigger, [subscribed.id]);
          hasSubscribed = true;
          if (stopping.signal.aborted) return [];
          // Nobody could subscribe before: whose mail it is was not known.
          const begins = subscribed.cursor === null ? fromWhenTold(reading, toldAt) : reading;
          const subscriber = ports.subscriber(
            subscribed,
            {
              ...{ reading: begins, login, mostConnections: 1, readBy },
              ...(stored && { stored }),
              ...(begins.skipBefore !== undefined && { passesOverUntil: begins.skipBefore }),
            },
            source,
          );
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
