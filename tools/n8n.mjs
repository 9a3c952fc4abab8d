// What the demo and the tests share of driving a real n8n: a quiet environment, and its REST interface, as its
// own editor uses it (n8n 2.41). Where an older n8n answers that it does not know a question, it is asked as its editor did.
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

/**
 * The environment of an n8n that stays on this machine and asks nobody on the internet.
 * @param {{ folder: string, port: number, brokerPort: number }} place
 * @returns {Record<string, string>}
 */
export const quietN8nEnvironment = ({ folder, port, brokerPort }) => ({
  N8N_USER_FOLDER: folder,
  N8N_PORT: String(port),
  N8N_LISTEN_ADDRESS: '127.0.0.1',
  N8N_HOST: '127.0.0.1',
  N8N_PROTOCOL: 'http',
  N8N_RUNNERS_BROKER_PORT: String(brokerPort),
  N8N_DIAGNOSTICS_ENABLED: 'false',
  N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
  N8N_TEMPLATES_ENABLED: 'false',
  N8N_HIRING_BANNER_ENABLED: 'false',
  N8N_PERSONALIZATION_ENABLED: 'false',
  N8N_SECURE_COOKIE: 'false',
  N8N_UNVERIFIED_PACKAGES_ENABLED: 'true',
  NO_COLOR: '1',
});

/** @typedef {{ id: string, versionId: string, name: string, nodes: unknown[], connections: object, settings?: object }} Workflow */

/** @typedef {{ email: string, password: string }} Owner */

/** How long n8n is given to see that its database is back. */
const DATABASE_BACK_MS = 60_000;

/** An error that n8n answered. */
export class N8nError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** @param {unknown} error */
const isUnknown = (error) => error instanceof N8nError && error.status === 404;

export class N8nApi {
  #cookie = '';

  /** @param {string} base e.g. http://127.0.0.1:5678 */
  constructor(base) {
    this.base = base;
  }

  /** Whether a worker, or what takes webhooks, is up. @returns {Promise<boolean>} */
  isHealthy() {
    return this.#answers('/healthz/readiness');
  }

  /** Whether main is: an older one is healthy before it can be asked anything. @returns {Promise<boolean>} */
  async isReady() {
    // 401: nobody is logged in. Before that, 404.
    return (await this.isHealthy()) && (await this.#answers('/rest/login', [200, 401]));
  }

  /** @param {string} path @param {readonly number[]} statuses */
  async #answers(path, statuses = [200]) {
    try {
      return statuses.includes((await fetch(this.base + path)).status);
    } catch {
      return false;
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>} the answer's `data`
   */
  async request(method, path, body) {
    // n8n says so before it looks at the request, and until its next look at a database that is back.
    for (const end = Date.now() + DATABASE_BACK_MS; ; await setTimeout(500)) {
      try {
        return await this.#request(method, path, body);
      } catch (error) {
        const isAway = error instanceof N8nError && error.message.includes('Database is not ready');
        if (!isAway || Date.now() > end) throw error;
      }
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async #request(method, path, body) {
    const response = await fetch(this.base + path, {
      method,
      headers: { 'content-type': 'application/json', ...(this.#cookie && { cookie: this.#cookie }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      if (cookie.startsWith('n8n-auth=')) this.#cookie = cookie.split(';')[0] ?? '';
    }
    const text = await response.text();
    if (!response.ok)
      throw new N8nError(`${method} ${path}: ${response.status} ${text.slice(0, 400)}`, response.status);
    const answer = text === '' ? undefined : JSON.parse(text);
    return answer && typeof answer === 'object' && 'data' in answer ? answer.data : answer;
  }

  /**
   * Makes the owner of a new instance, or logs in as the one it has.
   * @param {Owner} owner
   */
  async becomeOwner(
    owner = { email: 'owner@example.com', password: `Aa1${randomBytes(12).toString('hex')}` },
  ) {
    try {
      await this.request('POST', '/rest/owner/setup', { ...owner, firstName: 'Durable', lastName: 'Mail' });
    } catch (error) {
      if (!(error instanceof N8nError) || error.status !== 400) throw error;
      await this.request('POST', '/rest/login', {
        emailOrLdapLoginId: owner.email,
        password: owner.password,
      });
    }
  }

  /** The value of the cookie that logs a browser in. */
  get cookie() {
    return this.#cookie.slice('n8n-auth='.length);
  }

  /**
   * @param {string} name
   * @param {string} type
   * @param {object} data
   * @returns {Promise<{ id: string, name: string }>}
   */
  createCredential(name, type, data) {
    return this.request('POST', '/rest/credentials', { name, type, data });
  }

  /**
   * @param {string} id
   * @param {{ name: string, type: string, data: object }} credential
   */
  updateCredential(id, credential) {
    return this.request('PATCH', `/rest/credentials/${id}`, credential);
  }

  /**
   * Presses the editor's "Test" of a stored credential.
   * @param {{ id: string, name: string, type: string, data: object }} credential
   * @returns {Promise<{ status: string, message: string }>}
   */
  testCredential(credential) {
    return this.request('POST', '/rest/credentials/test', { credentials: credential });
  }

  /**
   * @param {{ name: string, nodes: unknown[], connections: object, settings?: object }} workflow
   * @returns {Promise<Workflow>}
   */
  async createWorkflow(workflow) {
    const body = { settings: { executionOrder: 'v1' }, ...workflow };
    try {
      return await this.request('POST', '/rest/workflows', body);
    } catch (error) {
      // Before it published workflows it made them active, or not, at once.
      if (!(error instanceof N8nError) || !/active/.test(error.message)) throw error;
      return this.request('POST', '/rest/workflows', { ...body, active: false });
    }
  }

  /** @param {string} id @returns {Promise<Workflow>} */
  workflow(id) {
    return this.request('GET', `/rest/workflows/${id}`);
  }

  /**
   * Publishes the workflow, and waits until its triggers run: n8n activates them in the background.
   * @param {string} id
   * @param {number} deadlineMs
   */
  async publish(id, deadlineMs = 60_000) {
    const { versionId } = await this.workflow(id);
    await this.request('POST', `/rest/workflows/${id}/activate`, { versionId });
    const end = performance.now() + deadlineMs;
    for (;;) {
      const status = await this.#publication(id);
      // An older one has answered when they run.
      if (!status) return;
      const { triggers } = status;
      if (status.liveVersionId === versionId && triggers.every((trigger) => trigger.status === 'activated'))
        return;
      if (status.status === 'failed' || performance.now() > end) {
        throw new Error(`The workflow was not published: ${JSON.stringify(status)}`);
      }
      await setTimeout(150);
    }
  }

  /**
   * How its triggers are doing: `activated` is what is wanted.
   * @param {string} id
   * @returns {Promise<string[]>}
   */
  async triggers(id) {
    const publication = await this.#publication(id);
    return (publication?.triggers ?? []).map(({ status }) => status);
  }

  /**
   * @param {string} id
   * @returns {Promise<{ status: string, liveVersionId: string, triggers: { status: string }[] } | undefined>} undefined:
   *   this n8n does not tell
   */
  async #publication(id) {
    try {
      return await this.request('GET', `/rest/workflows/${id}/publication-status`);
    } catch (error) {
      if (!isUnknown(error)) throw error;
      return undefined;
    }
  }

  /** Runs it by hand, as the editor does. @param {string} id @param {string} trigger the trigger's name */
  async runManually(id, trigger) {
    const body = { triggerToStartFrom: { name: trigger } };
    try {
      return await this.request('POST', `/rest/workflows/${id}/run`, body);
    } catch (error) {
      if (!(error instanceof N8nError)) throw error;
      // An older editor sent the workflow along.
      const workflowData = await this.workflow(id);
      const more = { workflowData, startNodes: [], runData: {} };
      return this.request('POST', `/rest/workflows/${id}/run`, { ...body, ...more });
    }
  }

  /** @param {string} id */
  unpublish(id) {
    return this.request('POST', `/rest/workflows/${id}/deactivate`, {});
  }

  /**
   * @param {string} query
   * @returns {Promise<{ id: string, status: string, mode: string, workflowId: string }[]>} the newest first
   */
  async executions(query = 'limit=100') {
    return (await this.request('GET', `/rest/executions?${query}`)).results;
  }
}
