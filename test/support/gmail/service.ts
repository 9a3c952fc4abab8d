// Which request is which method: who asks, what it costs, which fault strikes, and who answers.
import { answerBatch } from './batch';
import { Fault, type FaultSpec, type Fated, faultyAnswer, worksFirst } from './faults';
import type { Behaviour } from './call';
import { type Answer, ApiError, type Incoming } from './http';
import { Mailbox } from './mailbox';
import { findMethod } from './methods';
import { type Bearer, OAuth } from './oauth';
import { PubSub } from './pubsub';
import { Push } from './push';
import { type LoggedCall, Quota, quotaSettings } from './quota';

const READING = ['https://mail.google.com/', 'gmail.modify', 'gmail.readonly'];
const WRITING = ['https://mail.google.com/', 'gmail.modify'];
const PUBSUB = ['https://www.googleapis.com/auth/pubsub', 'https://www.googleapis.com/auth/cloud-platform'];

export class Service {
  readonly behaviour: Behaviour = {
    latencyMs: 0,
    searchLagMs: 0,
    unordered: false,
    repeated: false,
    pageLimit: 500,
  };
  readonly oauth = new OAuth();
  readonly push = new Push();
  readonly pubsub = new PubSub(this.push);
  readonly quota = new Quota(quotaSettings());
  readonly faults: Fault[] = [];
  readonly #behaviours = new Map<string, Partial<Behaviour>>();
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #startHistoryId: bigint;
  /** Where the server is. */
  url = '';

  constructor(startHistoryId: bigint) {
    this.#startHistoryId = startHistoryId;
  }

  /** What differs from `behaviour` for the account. */
  behaviourOf(address: string): Partial<Behaviour> {
    const own = this.#behaviours.get(address) ?? {};
    this.#behaviours.set(address, own);
    return own;
  }

  #effective(address: string): Behaviour {
    return { ...this.behaviour, ...this.behaviourOf(address) };
  }

  addFault(method: string, spec: FaultSpec): Fault {
    const fault = new Fault(method, spec);
    this.faults.push(fault);
    return fault;
  }

  mailbox(address: string): Mailbox {
    const known = this.#mailboxes.get(address);
    if (known) return known;
    const mailbox: Mailbox = new Mailbox(this.#startHistoryId, (labelIds) =>
      this.pubsub.changed(address, mailbox.history.last, labelIds),
    );
    this.#mailboxes.set(address, mailbox);
    return mailbox;
  }

  /** @param gone tells when the client is not there any more */
  async answer(request: Incoming, gone: AbortSignal): Promise<Fated> {
    const { method, path, body, headers } = request;
    try {
      if (path === '/token' && method === 'POST') {
        const form = new URLSearchParams(body.toString('utf8'));
        const urls = [`${this.url}/token`, 'https://oauth2.googleapis.com/token'];
        return await this.#run(this.quota.log('token', this.oauth.whose(form)), request, async () =>
          this.oauth.answer(form, urls),
        );
      }
      if (path === '/oauth2/v3/certs')
        return await this.#run(this.quota.log('certs', ''), request, async () => this.push.certificates());
      if (path === '/batch/gmail/v1' || path === '/batch')
        return await answerBatch(request, (part) => this.answer(part, gone));
      const [, subscription, verb] =
        /^\/v1\/(projects\/[^/]+\/subscriptions\/[^/:]+):(pull|acknowledge|modifyAckDeadline)$/.exec(path) ??
        [];
      if (subscription !== undefined && verb !== undefined)
        return await this.#run(this.quota.log(`pubsub.${verb}`, ''), request, async () => {
          checkScope(this.oauth.bearer(headers.authorization), PUBSUB);
          return this.pubsub.call(subscription, verb, body, gone);
        });
      const [, user, rest] = /^(?:\/upload)?\/gmail\/v1\/users\/([^/]+)\/(.+)$/.exec(path) ?? [];
      if (user !== undefined && rest !== undefined)
        return await this.#gmail(request, decodeURIComponent(user), rest);
    } catch (error) {
      return errorAnswer(error);
    }
    return {
      status: 404,
      headers: { 'content-type': 'text/html; charset=UTF-8' },
      body: '<title>Error 404</title>',
    };
  }

  async #gmail(request: Incoming, user: string, rest: string): Promise<Fated> {
    const found = findMethod(request.method, rest);
    if (!found) throw new ApiError(404, 'Method not found.');
    const { method, at } = found;
    const call = this.quota.log(method.name, this.#account(request, user));
    const leave = this.quota.enter(call);
    try {
      return await this.#run(
        call,
        request,
        async () => {
          const bearer = this.oauth.bearer(request.headers.authorization);
          if (call.account !== bearer.address)
            throw new ApiError(403, `Delegation denied for ${bearer.address}`, { reason: 'forbidden' });
          checkClient(bearer);
          checkScope(bearer, method.writes ? WRITING : READING);
          this.quota.admit(call);
          const { address, mailbox } = { address: call.account, mailbox: this.mailbox(call.account) };
          return method.run({
            address,
            mailbox,
            at,
            query: request.query,
            body: request.body,
            contentType: request.headers['content-type'] ?? '',
            behaviour: this.#effective(address),
            watch: (watch) => this.pubsub.watch(address, watch),
            stop: () => this.pubsub.stop(address),
          });
        },
        at.id,
      );
    } finally {
      leave();
    }
  }

  /** Whose mail is asked for; empty: nobody knows. */
  #account({ headers }: Incoming, user: string): string {
    if (user !== 'me') return user.toLowerCase();
    try {
      return this.oauth.bearer(headers.authorization).address;
    } catch {
      return '';
    }
  }

  /** Does the work, unless a fault strikes. */
  async #run(
    call: LoggedCall,
    request: Incoming,
    work: () => Promise<Answer>,
    messageId?: string,
  ): Promise<Fated> {
    const { method, account } = call;
    const about = {
      method,
      account,
      ...(messageId !== undefined && { messageId }),
      pageToken: request.query.has('pageToken'),
    };
    const fault = this.faults.find((each) => each.strikes(about))?.spec;
    await pause(this.#effective(account).latencyMs + (fault?.slowMs ?? 0));
    const real = !fault || worksFirst(fault) ? await settled(work) : null;
    const answer: Fated = fault ? faultyAnswer(fault, real) : real!;
    call.status = answer.fate === 'hang' || answer.fate === 'reset' ? 0 : answer.status;
    return answer;
  }
}

const settled = (work: () => Promise<Answer>): Promise<Answer> => work().catch(errorAnswer);

function errorAnswer(error: unknown): Answer {
  if (error instanceof ApiError) return error.answer();
  throw error;
}

/** @throws ApiError 403 */
function checkClient({ client }: Bearer): void {
  if (client?.forbidden === undefined) return;
  throw new ApiError(403, 'This project may not use the Gmail API.', { reason: client.forbidden });
}

/** @throws ApiError 403 */
function checkScope({ scopes }: Bearer, wanted: readonly string[]): void {
  if (scopes.some((scope) => wanted.some((each) => scope.endsWith(each)))) return;
  throw new ApiError(403, 'Request had insufficient authentication scopes.', {
    reason: 'insufficientPermissions',
  });
}

const pause = (ms: number): Promise<void> | undefined =>
  ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
