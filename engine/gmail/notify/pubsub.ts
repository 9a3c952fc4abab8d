// One Pub/Sub subscription over its REST API: pull, acknowledge, and more time for what takes longer
// (https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions).
// Invariant: no token and nothing of a message stands in a fault.
import { errorText } from '../../runtime/log';
import { monotonicNow, unlessAborted } from '../../runtime/time';
import { GmailFault, type GmailFaultKind } from '../api/fault';
import type { HttpAnswer, SendHttp } from '../../http/send';
import type { AccessToken } from '../api/login';

export interface PubsubLogin {
  /** projects/P/subscriptions/S */
  readonly subscription: string;
  /** The login as it is stored now: read again after a fault, since an edit restarts nothing. */
  readonly token: () => Promise<AccessToken>;
  readonly send: SendHttp;
  /** https://pubsub.googleapis.com */
  readonly pubsubUrl: string;
}

export interface PulledMessage {
  readonly ackId: string;
  /** Base64; whatever was sent. */
  readonly data: unknown;
}

const MOST_MESSAGES = 100;
/** What a request may hold is limited to 512 KB. */
const MOST_ACKS = 500;
const ACK_MS = 20_000;
const LONG_POLL_MS = 20_000;

export class Pubsub {
  readonly #login: PubsubLogin;
  #token: AccessToken | undefined;

  constructor(login: PubsubLogin) {
    this.#login = login;
  }

  /**
   * Waits for messages; Pub/Sub answers an empty list after about 90 s.
   * @throws GmailFault `login`, `forbidden`, `refused`, `busy`, `unreachable`
   */
  async pull(timeoutMs: number, signal: AbortSignal): Promise<PulledMessage[]> {
    const answer = await this.#post('pull', { maxMessages: MOST_MESSAGES }, timeoutMs, signal);
    const received = (answer as { receivedMessages?: unknown } | null)?.receivedMessages;
    if (!Array.isArray(received)) return [];
    return received.flatMap((each: unknown) => {
      const { ackId, message } = (each ?? {}) as { ackId?: unknown; message?: { data?: unknown } | null };
      return typeof ackId === 'string' ? [{ ackId, data: message?.data }] : [];
    });
  }

  /** They are not delivered again. @throws GmailFault */
  async acknowledge(ackIds: readonly string[]): Promise<void> {
    for (const part of parts(ackIds)) await this.#post('acknowledge', { ackIds: part }, ACK_MS);
  }

  /** They are not delivered again for so long. @throws GmailFault */
  async extend(ackIds: readonly string[], forMs: number): Promise<void> {
    const ackDeadlineSeconds = Math.round(forMs / 1000);
    for (const part of parts(ackIds)) {
      await this.#post('modifyAckDeadline', { ackIds: part, ackDeadlineSeconds }, ACK_MS);
    }
  }

  async #post(
    method: string,
    body: object,
    timeoutMs: number,
    signal = new AbortController().signal,
  ): Promise<unknown> {
    const began = monotonicNow();
    let answer = await this.#send(method, body, timeoutMs, signal, false);
    // Nothing came for as long as a proxy on the way would wait.
    if (answer.status === 504 && monotonicNow() - began > LONG_POLL_MS) return null;
    if (answer.status === 401) answer = await this.#send(method, body, timeoutMs, signal, true);
    if (answer.status < 200 || answer.status > 299) {
      throw pubsubFault(this.#login.subscription, answer.status);
    }
    try {
      return JSON.parse(answer.body);
    } catch (cause) {
      throw inWords('unreachable', this.#login.subscription, 'what answered was not Pub/Sub', PASSES, cause);
    }
  }

  async #send(
    method: string,
    body: object,
    timeoutMs: number,
    signal: AbortSignal,
    afterRejection: boolean,
  ): Promise<HttpAnswer> {
    const { subscription, send, pubsubUrl } = this.#login;
    const token = await unlessAborted(this.#freshToken(afterRejection), signal);
    try {
      const sent = send({
        method: 'POST',
        url: `${pubsubUrl.replace(/\/+$/, '')}/v1/${subscription}:${method}`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        timeoutMs,
        signal,
      });
      // A host may not hear the signal.
      return await unlessAborted(sent, signal);
    } catch (cause) {
      throw inWords('unreachable', subscription, sentence(cause), PASSES, cause);
    }
  }

  async #freshToken(afterRejection: boolean): Promise<string> {
    try {
      this.#token ??= await this.#login.token();
      return await this.#token(afterRejection);
    } catch (cause) {
      const kind = cause instanceof GmailFault ? cause.kind : 'unreachable';
      const what = `there is no access token for it: ${sentence(cause)}`;
      throw inWords(kind, this.#login.subscription, what, '', cause);
    }
  }
}

/** As part of another sentence. */
const sentence = (error: unknown): string => errorText(error).replace(/\.$/, '');

const PASSES = 'It is tried again.';

/** What a status of Pub/Sub means (https://cloud.google.com/pubsub/docs/reference/error-codes). */
function pubsubFault(subscription: string, status: number): GmailFault {
  if (status === 401) {
    return inWords(
      'login',
      subscription,
      'Google does not accept the service account (401)',
      'Check the "Google Service Account API" credential in this node, and that its key is still valid.',
    );
  }
  if (status === 403) {
    return inWords(
      'forbidden',
      subscription,
      'the service account may not read it (403)',
      'Give the service account the role "Pub/Sub Subscriber" on the subscription, and enable the Pub/Sub API in its project.',
    );
  }
  if (status === 404) {
    return inWords(
      'refused',
      subscription,
      'there is no such subscription (404)',
      'Create a pull subscription of the topic, and enter its full name in this node: projects/PROJECT/subscriptions/NAME.',
    );
  }
  if (status === 400) {
    return inWords(
      'refused',
      subscription,
      'Pub/Sub does not take the request (400)',
      'Check that it is the full name, projects/PROJECT/subscriptions/NAME, and of a pull subscription, not of a push subscription.',
    );
  }
  const passes = status === 408 || status === 429 || status >= 500;
  return inWords(passes ? 'busy' : 'refused', subscription, `Pub/Sub answered ${status}`, PASSES);
}

const inWords = (
  kind: GmailFaultKind,
  subscription: string,
  what: string,
  toDo: string,
  cause?: unknown,
): GmailFault =>
  new GmailFault(
    kind,
    `The Pub/Sub subscription ${subscription} cannot be read: ${[`${what}.`, toDo, 'Until then, mail is found by polling.'].filter(Boolean).join(' ')}`,
    { cause },
  );

function parts(ackIds: readonly string[]): string[][] {
  const count = Math.ceil(ackIds.length / MOST_ACKS);
  return Array.from({ length: count }, (_, at) => ackIds.slice(at * MOST_ACKS, (at + 1) * MOST_ACKS));
}
