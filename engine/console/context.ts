// What a home of the console gives it: a port of its own, a webhook of n8n, or a process of its own.
// Invariant: the console asks nothing of where it runs but this.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../runtime/log';
import type { TemplateTexts } from '../ledger/templates';
import type { Wake } from '../signal/wake';
import type { Right } from './api';
import type { ConsoleFeed, ConsoleLedger } from './ports';

export interface Rendering {
  /** Names of the values that it takes, each once. @throws Error for people: it is no template */
  valuesOf(texts: TemplateTexts): readonly string[];
  /** @throws Error for people: it is no template, or names of values that are missing */
  render(texts: TemplateTexts, values: Readonly<Record<string, unknown>>): TemplateTexts;
}

export interface ConsoleContext {
  readonly ledger: ConsoleLedger;
  readonly wake: Pick<Wake, 'notify'>;
  readonly feed: ConsoleFeed;
  readonly log: Log;
  /** Of this package. */
  readonly version: string;
  /** The page, as it was built: one document, with the element that api.ts (`PageSettings`) tells of. */
  readonly page: string;
  /** What the page draws plots with: a script that it asks for when it needs it, as it was built. */
  readonly plots: string;
  /** Before every path of a request as it gets here, without a slash at its end: `/webhook/mail-console`; may be empty. */
  readonly prefix: string;
  /**
   * What a request may do, by its headers (never its cookies: they are left out); null: it is not logged in. To be told
   * without a difference in time (`rights.ts`). Sessions of the console's own are none of its business.
   */
  readonly rights: (headers: IncomingHttpHeaders) => Right | null;
  /**
   * - `form`: the page is for everybody, and asks for a token itself
   * - `challenge`: only who is logged in is given the page, with a session in it; others are answered `WWW-Authenticate`
   *   with this. What a browser sends by itself (`Basic`) may never act: the session in the page does.
   */
  readonly login: { readonly kind: 'form' } | { readonly kind: 'challenge'; readonly challenge: string };
  /** Signs sessions: 32 octets or more that nobody knows, the same in all processes that may be asked by one page. */
  readonly sessionKey: Buffer;
  /** Whether a request may have this `Host` (with its port): names that are the console's, so that no other name leads here. */
  readonly hosts: (host: string) => boolean;
  /** Nothing else is served from its origin; else the page is given none. */
  readonly isOwnOrigin: boolean;
  /** Each hit is dear: the page is to ask in bundles. */
  readonly bundled: boolean;
  /** The feed tells sender and subject; the outbox, recipient and subject. */
  readonly showMail: boolean;
  /** n8n's editor, without a slash at its end. */
  readonly editorUrl: string | null;
  /** `/healthz` and `/metrics` are told to everybody. */
  readonly openHealth: boolean;
  /** There is `/ws`, where the home takes upgrades; left out: there is none. */
  readonly webSocket?: boolean;
  /** How a template becomes a mail. */
  readonly templates: Rendering;
  /** Something may be sent now; a hint. */
  readonly wakeOutbox: () => void;
  /** The source is to be looked at now; a hint. */
  readonly look: (sourceId: number) => void;
  /** ms since 1970. */
  readonly now: () => number;
}

export interface Console {
  /**
   * Answers the request, whatever it is; never rejects. Resolves when it is answered, or, for the feed, has joined it.
   * @param body what the home has read of the request's body already; undefined: nothing, it is still to be read
   */
  handle(req: IncomingMessage, res: ServerResponse, body?: Buffer): Promise<void>;

  /**
   * Answers who asks for another protocol than HTTP; never rejects. Left out: there is none.
   * @param head what came after the request
   */
  upgrade?(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;

  /** Ends what is done in the background, and every client of its feed. */
  close(): void;
}
