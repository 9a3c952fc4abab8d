// Coming from n8n's built-in triggers, as docs/coming-from-the-built-in.md has it, with workflows as each version of them is
// stored: mail comes before the swap, during it and after it; none is lost, and none runs twice.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { FakeGmail } from '../support/gmail/fake';
import { gmailCredential } from '../support/gmail-workflow';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { credentialData, inLine, placed, postTo } from '../support/workflows';

const PATIENCE_MS = 150_000;
/** n8n closes the trigger of a workflow that was unpublished in its own time. */
const CLOSED_MS = 10_000;
/** What may come too much comes soon. */
const TOO_MUCH_MS = 5_000;

interface BuiltIn {
  readonly version: number;
  readonly parameters: object;
}

/** As they are stored, with what was left at its default left out. */
const IMAP: readonly BuiltIn[] = [
  { version: 1, parameters: { options: { allowUnauthorizedCerts: true, forceReconnect: 60 } } },
  {
    version: 2,
    parameters: { downloadAttachments: true, dataPropertyAttachmentsPrefixName: 'file_', options: {} },
  },
  { version: 2.1, parameters: { format: 'resolved', options: { customEmailConfig: '["UNSEEN"]' } } },
  { version: 2.2, parameters: { mailbox: 'INBOX', options: {} } },
];

const EVERY_MINUTE = { item: [{ mode: 'everyMinute' }] };
const GMAIL: readonly BuiltIn[] = [
  { version: 1, parameters: { pollTimes: EVERY_MINUTE, filters: {} } },
  { version: 1.1, parameters: { pollTimes: EVERY_MINUTE, simple: false, filters: {}, options: {} } },
  { version: 1.2, parameters: { pollTimes: EVERY_MINUTE, filters: { readStatus: 'unread' } } },
  { version: 1.3, parameters: { pollTimes: EVERY_MINUTE, filters: { sender: 'ann', q: 'subject:mail' } } },
  { version: 1.4, parameters: { pollTimes: EVERY_MINUTE, maxResults: 10, filters: {} } },
];

/** A workflow that begins with a built-in trigger, and later with ours. */
class Swapped {
  readonly #n8n: N8n;
  readonly #id: string;
  readonly sink: Sink;
  readonly sent: string[] = [];

  private constructor(n8n: N8n, id: string, sink: Sink) {
    this.#n8n = n8n;
    this.#id = id;
    this.sink = sink;
  }

  static async published(n8n: N8n, trigger: object): Promise<Swapped> {
    const sink = await Sink.start();
    const subject = "={{ $('Mail').item.json.subject ?? $('Mail').item.json.Subject }}";
    const whole = {
      sendBody: true,
      contentType: 'raw',
      rawContentType: 'application/json',
      body: '={{ JSON.stringify({ json: $json, files: Object.keys($binary) }) }}',
    };
    const steps = [postTo(sink, { subject }, whole)];
    const { id } = await n8n.api.createWorkflow({
      name: 'Comes from the built-in trigger',
      nodes: [{ id: 'trigger', name: 'Mail', position: [0, 0], ...trigger }, ...placed(steps)],
      connections: inLine(steps, []),
    });
    await n8n.api.publish(id);
    return new Swapped(n8n, id, sink);
  }

  ran(...subjects: readonly string[]): Promise<unknown> {
    return until(
      `${subjects.join(', ')} ran`,
      () => subjects.every((subject) => this.sink.counts().has(subject)),
      PATIENCE_MS,
    );
  }

  async unpublish(): Promise<void> {
    await this.#n8n.api.unpublish(this.#id);
    await setTimeout(CLOSED_MS);
  }

  /** Another type in the node's JSON, and the options that are added to it by hand. */
  async republish(type: string, added: object): Promise<void> {
    const { api } = this.#n8n;
    const { name, connections, settings, versionId, nodes } = (await api.workflow(this.#id)) as never as {
      [key: string]: unknown;
      nodes: { parameters: { options?: object } }[];
    };
    const [trigger, ...others] = nodes;
    const parameters = { ...trigger!.parameters, options: { ...trigger!.parameters.options, ...added } };
    await api.request('PATCH', `/rest/workflows/${this.#id}`, {
      ...{ name, connections, settings, versionId },
      nodes: [{ ...trigger, type, parameters }, ...others],
    });
    await api.publish(this.#id);
  }

  /** Every mail ran once; and what the workflow gets of the last has all that it got of the first. */
  async isWhole(): Promise<void> {
    await this.ran(...this.sent);
    await setTimeout(TOO_MUCH_MS);
    assert.deepEqual(
      [...this.sink.counts()].sort(),
      this.sent.map((subject) => [subject, 1] as [string, number]).sort(),
      'lost 0, repeated 0',
    );
    const [first, last] = [this.sent[0]!, this.sent.at(-1)!].map((subject) => this.#item(subject));
    assert.deepEqual(shapeWithin(first!.json, last!.json), [], 'what the built-in trigger gives is there');
    assert.deepEqual(last!.files, first!.files);
    await this.#n8n.api.unpublish(this.#id);
    await this.sink.close();
  }

  #item(subject: string): { json: Readonly<Record<string, unknown>>; files: string[] } {
    const { attachment } = this.sink.deliveries.find((one) => one.subject === subject)!;
    return JSON.parse(attachment.toString()) as never;
  }
}

/** What of the one is missing in the other, or is of another kind. */
function shapeWithin(one: object, other: object, path = ''): string[] {
  return Object.entries(one as Record<string, unknown>).flatMap(([name, value]) => {
    const found: unknown = (other as Record<string, unknown>)[name];
    const isSame = typeof found === typeof value && Array.isArray(found) === Array.isArray(value);
    if (!isSame) return [`${path}${name}: ${JSON.stringify(value)}, and not ${JSON.stringify(found)}`];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    return shapeWithin(value, found as object, `${path}${name}.`);
  });
}

describe('coming from the built-in trigger', { concurrency: true, timeout: 8 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let gmail: FakeGmail;
  let n8n: N8n;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    gmail = await cleanup.of(FakeGmail.start());
    n8n = await cleanup.of(
      N8n.start({
        ...gmail.n8nEnvironment,
        NODE_OPTIONS: `--require ${join(__dirname, '..', 'support', 'googles-hosts.cjs')}`,
        GOOGLE_URL: gmail.url,
      }),
    );
  });
  after(() => cleanup.run());

  const imap = async (user: string, { version, parameters }: BuiltIn): Promise<Swapped> => {
    const { id, name } = await n8n.api.createCredential(user, 'imap', credentialData(dovecot.login(user)));
    return Swapped.published(n8n, {
      type: 'n8n-nodes-base.emailReadImap',
      typeVersion: version,
      parameters,
      credentials: { imap: { id, name } },
    });
  };

  const append = async (user: string, swapped: Swapped, ...subjects: string[]): Promise<void> => {
    swapped.sent.push(...subjects);
    const attachment = { name: 'a.bin', content: Buffer.from('content') };
    await dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject, attachment })),
    );
  };

  /** The first is there before the built-in trigger has opened the mailbox, perhaps: it finds it with the second. */
  const runsThere = async (user: string, swapped: Swapped): Promise<void> => {
    await append(user, swapped, 'before 1');
    await setTimeout(3_000);
    await append(user, swapped, 'before 2');
    await swapped.ran('before 1', 'before 2');
  };

  const OURS = 'n8n-nodes-durable-mail.durableImapTrigger';
  const HOUR_MS = 3_600_000;

  for (const builtIn of IMAP) {
    const user = `ann${IMAP.indexOf(builtIn)}`;
    it(`Email Trigger (IMAP) ${builtIn.version}: loses and repeats nothing`, async () => {
      const swapped = await imap(user, builtIn);
      await runsThere(user, swapped);
      const since = new Date(Date.now() - HOUR_MS).toISOString();
      await swapped.unpublish();
      await append(user, swapped, 'during 1', 'during 2');
      await Promise.all([
        swapped.republish(OURS, { likeBuiltIn: true, start: 'since', startDate: since }),
        append(user, swapped, 'during 3'),
      ]);
      await append(user, swapped, 'after 1', 'after 2');
      await swapped.isWhole();
      const client = await dovecot.client(user);
      await until('all are read', async () => {
        const status = await client.status('INBOX', { unseen: true });
        return status && status.unseen === 0;
      });
      await client.logout();
    });
  }

  it('Email Trigger (IMAP) that leaves mail unread: loses and repeats nothing', async () => {
    const user = 'bob';
    const swapped = await imap(user, {
      version: 2.2,
      parameters: { postProcessAction: 'nothing', options: {} },
    });
    await runsThere(user, swapped);
    await swapped.unpublish();
    await append(user, swapped, 'during 1');
    // As a mail program shows it: when the newest mail arrived that has run.
    const client = await dovecot.client(user);
    await client.mailboxOpen('INBOX');
    const newest = await client.fetchOne('2', { internalDate: true });
    await client.logout();
    const arrived = newest ? new Date(newest.internalDate ?? 0).getTime() : Number.NaN;
    const startDate = new Date(arrived + 1_000).toISOString();
    await swapped.republish(OURS, { start: 'since', startDate });
    await append(user, swapped, 'after 1');
    await swapped.isWhole();
  });

  for (const { version, parameters } of GMAIL) {
    it(`Gmail Trigger ${version}: loses and repeats nothing`, async () => {
      const address = `ann${version}@example.com`;
      const account = gmail.account(address);
      const swapped = await Swapped.published(n8n, {
        type: 'n8n-nodes-base.gmailTrigger',
        typeVersion: version,
        parameters,
        credentials: { gmailOAuth2: await gmailCredential(n8n, gmail, address) },
      });
      const deliver = (...subjects: string[]): string[] =>
        subjects.map((subject) => {
          swapped.sent.push(`mail ${subject}`);
          return account.deliver({
            subject: `mail ${subject}`,
            from: 'Ann <ann@example.com>',
            text: 'Hello',
          });
        });
      const newest = deliver('before 1', 'before 2').at(-1)!;
      await swapped.ran(...swapped.sent);
      await swapped.unpublish();
      deliver('during 1', 'during 2');
      // As `internalDate` of the newest mail that has run.
      const startDate = new Date(account.message(newest)!.internalDate + 1).toISOString();
      await swapped.republish('n8n-nodes-durable-mail.durableGmailTrigger', { start: 'since', startDate });
      deliver('after 1');
      await swapped.isWhole();
    });
  }
});
