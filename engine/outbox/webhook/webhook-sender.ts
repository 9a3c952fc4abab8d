// Sends entries of kind `webhook`: one POST a try, signed, to where it may go.
// Invariants: `handOver` has said yes before a byte is written; redirects are never followed; the URL and its addresses are
// checked in each try; what the receiver answers goes into the entry and never into a log.
import type { DueEntry } from '../../ledger/outbox';
import {
  LACKING_MS,
  type LaneLimits,
  type Sender,
  type TryEnd,
  type Trying,
  type TrySchedule,
} from '../sender';
import { answerBytes, endOf, faultText, isGone, type Told } from './answering';
import type { ConnectPorts } from './connecting';
import { askedBy } from './endpoint';
import type { WebhookContent } from './packed-webhook';
import { type Answer, post } from './posting';
import { CredentialFault, type CredentialOf, type SecretParts, secretParts } from './secret-headers';
import {
  DEFAULT_WEBHOOK_LIMITS,
  DEFAULT_WEBHOOK_SCHEDULE,
  OtherWebhookVersion,
  WEBHOOK_KIND,
  type WebhookRequest,
  webhookRequest,
} from './webhook-request';
import {
  checkedHeaders,
  checkedUrl,
  helped,
  laneOf,
  secretsSent,
  shownUrl,
  WebhookFault,
} from './webhook-url';

/** Until the newer version has come. */
const NEWER_MS = 60_000;

/** Which receivers of the own network may be asked, as the place says where this runs. */
interface OwnNetwork {
  /** Asked anew for each try. */
  readonly mayGoTo: (url: string) => boolean;
  /** For whoever was refused: who can allow it, and how. */
  readonly help: string;
}

export interface WebhookSenderPorts extends ConnectPorts {
  readonly credentialOf: CredentialOf;
  /**
   * 410: the endpoint (its id) is to be told nothing any more, if that is still its URL. Rejects while that cannot be stored.
   * @returns false: it has moved, or is there no more
   */
  readonly setAside: (endpoint: number, reason: string, url: string) => Promise<boolean>;
  /** Without it the webhook's own `allowOwnNetwork` counts. */
  readonly ownNetwork?: OwnNetwork;
  /** ms since 1970. */
  readonly wallClock?: () => number;
  readonly random?: () => number;
}

type OfEntry = Pick<DueEntry, 'request'>;

export class WebhookSender implements Sender {
  readonly kind = WEBHOOK_KIND;
  readonly #ports: WebhookSenderPorts;
  readonly #random: () => number;

  constructor(ports: WebhookSenderPorts) {
    this.#ports = ports;
    this.#random = ports.random ?? Math.random;
  }

  limits({ request }: OfEntry): LaneLimits {
    return readable(request)?.limits ?? DEFAULT_WEBHOOK_LIMITS;
  }

  schedule({ request }: OfEntry): TrySchedule {
    return readable(request)?.schedule ?? DEFAULT_WEBHOOK_SCHEDULE;
  }

  inDoubt({ request }: OfEntry): 'aside' | 'again' {
    return readable(request)?.repeats === false ? 'aside' : 'again';
  }

  async send(entry: DueEntry, trying: Trying): Promise<TryEnd> {
    const end = await this.#send(entry, trying);
    const { ownNetwork } = this.#ports;
    return ownNetwork && 'error' in end ? { ...end, error: helped(end.error, ownNetwork.help) } : end;
  }

  async #send(entry: DueEntry, trying: Trying): Promise<TryEnd> {
    try {
      const { request: asked, content } = await askedBy(entry);
      const allowOwnNetwork = this.#ports.ownNetwork?.mayGoTo(content.url) ?? asked.allowOwnNetwork;
      const request = { ...asked, allowOwnNetwork };
      const url = checkedUrl(content.url, request);
      const secret = await secretParts(
        request,
        { url, key: entry.key, body: content.body, now: (this.#ports.wallClock ?? Date.now)() },
        this.#ports.credentialOf,
      );
      const end = await this.#post(url, request, content, secret, trying);
      return offItsLane(end, content.url, entry.lane);
    } catch (error) {
      if (error instanceof WebhookFault) return { end: 'refused', error: error.message };
      if (error instanceof CredentialFault)
        return { end: 'returned', error: error.message, afterMs: LACKING_MS, isLacking: true };
      if (error instanceof OtherWebhookVersion)
        return { end: 'returned', error: error.message, afterMs: NEWER_MS };
      throw error;
    }
  }

  async #post(
    url: URL,
    request: WebhookRequest,
    content: WebhookContent,
    { headers, query, secrets: signedWith }: SecretParts,
    trying: Trying,
  ): Promise<TryEnd> {
    const where = shownUrl(url);
    const secrets = [...signedWith, ...secretsSent(url, content.headers)];
    // As text: `searchParams` would write the rest of the query anew.
    const added = new URLSearchParams();
    for (const [name, value] of query) added.append(name, value);
    if (added.size > 0) url.search = `${url.search === '' ? '' : `${url.search}&`}${added.toString()}`;
    const { allowOwnNetwork, timeoutMs, repeats } = request;
    const posted = await post(
      {
        ...{ url, body: content.body, timeoutMs, allowOwnNetwork, signal: trying.signal },
        answerBytes: answerBytes(secrets),
        headers: {
          'user-agent': 'n8n-nodes-durable-mail',
          accept: '*/*',
          ...checkedHeaders(content.headers),
          'content-type': content.contentType,
          ...headers,
        },
        handOver: () => trying.handOver(),
      },
      this.#ports,
    );
    switch (posted.came) {
      case 'letGo':
        return { end: 'returned', error: 'It was let go before it was sent', afterMs: 0 };
      case 'notReached':
        return { end: 'failed', why: 'connection', error: faultText(posted.error, where) };
      case 'nothing':
        return repeats
          ? { end: 'failed', why: 'connection', error: faultText(posted.error, where) }
          : { end: 'unknown', error: faultText(posted.error, where) };
      case 'answer':
        return this.#endOf(posted.answer, request, {
          ...{ url: content.url, where, secrets, random: this.#random },
        });
    }
  }

  async #endOf(answer: Answer, { endpoint }: WebhookRequest, told: Told): Promise<TryEnd> {
    const end = endOf(answer, told);
    if (endpoint === null || !isGone(answer) || end.end !== 'refused') return end;
    if (await this.#ports.setAside(endpoint, end.error, told.url)) return end;
    // What is gone is not where it is told by now.
    return { end: 'returned', error: end.error, afterMs: 0 };
  }
}

/** What one receiver asks for is no reason to hold up another, to which what was queued for an endpoint went before that moved. */
function offItsLane(end: TryEnd, url: string, lane: string): TryEnd {
  if (end.end !== 'failed' || laneOf(new URL(url)) === lane) return end;
  const { laneRestsMs: _, ...its } = end;
  return its;
}

function readable(row: Readonly<Record<string, unknown>>): WebhookRequest | null {
  try {
    return webhookRequest(row);
  } catch {
    return null;
  }
}
