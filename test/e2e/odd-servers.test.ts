// Odd servers under a real n8n: what a workflow gets of their mails, and what a person is told. Each has a workflow of its own,
// side by side in one n8n.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { N8n } from '../support/n8n';
import { endsWith, numbers, readsContent, shortPart } from '../support/scripted-imap/expected';
import { imapDate, scriptedMail } from '../support/scripted-imap/mail';
import { type Script, ScriptedImapServer, type ScriptedOptions } from '../support/scripted-imap/server';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { errorWorkflow, sinkWorkflow } from '../support/workflows';

const PATIENCE_MS = 180_000;

/** A server, a workflow on a mailbox of it, and all that becomes of its mails. */
class OddServer {
  readonly #n8n: N8n;
  readonly server: ScriptedImapServer;
  readonly sink: Sink;
  readonly #errors: Sink;
  #id = '';

  constructor(n8n: N8n, server: ScriptedImapServer, sink: Sink, errors: Sink) {
    this.#n8n = n8n;
    this.server = server;
    this.sink = sink;
    this.#errors = errors;
  }

  async publish(): Promise<void> {
    const login = this.server.login();
    this.#id = await sinkWorkflow(this.#n8n, this.sink, login, { retrySchedule: '2s' });
    const { name, nodes, connections, settings, versionId } = (await this.#n8n.api.workflow(
      this.#id,
    )) as never;
    const errors = await errorWorkflow(this.#n8n, this.#errors);
    const body = {
      name,
      nodes,
      connections,
      versionId,
      settings: { ...(settings as object), errorWorkflow: errors },
    };
    await this.#n8n.api.request('PATCH', `/rest/workflows/${this.#id}`, body);
    await this.#n8n.api.publish(this.#id);
  }

  watched(): Promise<void> {
    return this.#n8n.watching(this.#id, PATIENCE_MS);
  }

  /** Each of the mails ran, once, with its text. */
  async ran(...uids: readonly number[]): Promise<void> {
    const all = (): boolean => uids.every((uid) => this.sink.accepted.some((one) => one.uid === uid));
    await until(`mails ${uids.slice(0, 5).join(', ')}, … have run`, all, PATIENCE_MS);
    for (const uid of uids) {
      const runs = this.sink.deliveries.filter((one) => one.uid === uid);
      assert.deepEqual(
        runs.map(({ subject, text }) => [subject, text.trim()]),
        [[`mail ${uid}`, `text of ${uid}`]],
      );
    }
  }

  /** What n8n's error workflow was told. */
  told(): string {
    return this.#errors.deliveries.map(({ text }) => text).join('\n');
  }

  async hears(says: RegExp): Promise<void> {
    await until(`people are told ${says.source}`, () => says.test(this.told()), PATIENCE_MS);
    assert.doesNotMatch(this.told(), /argument|undefined|instance of|not a function/);
  }

  async states(): Promise<Record<number, string>> {
    const events = await this.#n8n.events();
    return Object.fromEntries(
      events.filter(({ workflow }) => workflow === this.#id).map(({ uid, state }) => [uid, state]),
    );
  }
}

describe('a mail of an odd server, in a real n8n,', { concurrency: 99, timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let n8n: N8n;
  before(async () => {
    n8n = await cleanup.of(N8n.start());
  });
  after(() => cleanup.run());

  const odd = (
    what: string,
    script: Script,
    test: (odd: OddServer) => Promise<void>,
    options: ScriptedOptions = {},
  ): void => {
    it(what, async () => {
      const own = new Cleanup();
      try {
        const server = await own.of(ScriptedImapServer.start(options));
        server.mails.push(scriptedMail(1), scriptedMail(2));
        const scene = new OddServer(n8n, server, await own.of(Sink.start()), await own.of(Sink.start()));
        await scene.publish();
        await scene.watched();
        server.script = script;
        await test(scene);
      } finally {
        await own.run();
      }
    });
  };
  const arrive = ({ server }: OddServer, ...uids: readonly number[]): void =>
    server.arrive(...uids.map((uid) => scriptedMail(uid)));

  odd(
    'runs once, though a flag of it is changed while others are read',
    {
      beforeFetched: ({ conversation, items, mails }) => {
        const [seq] = conversation.mailAt(60) ?? [];
        const isOther = items.includes('BODY') && !mails.some(([, { uid }]) => uid === 60);
        return seq && isOther ? `* ${seq} FETCH (UID 60 MODSEQ (5) FLAGS (\\Seen))\r\n` : '';
      },
    },
    async (scene) => {
      arrive(scene, ...numbers(3, 70));
      await scene.ran(...numbers(3, 70));
      assert.equal(scene.told(), '');
    },
    { capabilities: 'IMAP4rev1 IDLE X-GM-EXT-1' },
  );

  odd(
    'that it cannot hand out fails by itself, while the others run, and says which one it is',
    {
      fetched: (command, _, { uid }) =>
        uid === 4 && readsContent(command) ? endsWith('NO Error reading message')(command) : undefined,
    },
    async (scene) => {
      arrive(scene, 3, 4, 5, 6);
      await scene.ran(3, 5, 6);
      await scene.hears(
        /lists the mail with UID 4 in the mailbox .*INBOX.* of ann@127\.0\.0\.1.*Error reading message/,
      );
      await until('its tries are used up', async () => (await scene.states())[4] === 'DEAD', PATIENCE_MS);
      assert.ok(!scene.sink.deliveries.some(({ uid }) => uid === 4), 'no workflow got an empty item');
      scene.server.script = {};
      arrive(scene, 7);
      await scene.ran(7);
    },
  );

  let isEmpty = true;
  odd(
    'of which it hands out nothing is no empty item: it runs when the server has it again',
    {
      fetched: (command, seq, { uid }) =>
        isEmpty && uid === 4 && readsContent(command) ? `* ${seq} FETCH (UID 4 BODY[] "")\r\n` : undefined,
    },
    async (scene) => {
      arrive(scene, 3, 4, 5);
      await scene.ran(3, 5);
      await scene.hears(/UID 4 in the mailbox/);
      isEmpty = false;
      await scene.ran(4);
    },
  );

  odd('of which it hands out a part first runs whole', { fetched: shortPart }, async (scene) => {
    arrive(scene, ...numbers(3, 70));
    await scene.ran(...numbers(3, 70));
  });

  odd(
    'runs though the server does not search',
    { search: (tag) => `${tag} NO [SERVERBUG] UID SEARCH Server error - Please try again later\r\n` },
    async (scene) => {
      arrive(scene, ...numbers(3, 58));
      await scene.ran(...numbers(3, 58));
      assert.equal(scene.told(), '');
    },
  );

  odd(
    'runs though the server hangs up where it is asked for more than forty at once',
    {
      fetch: ({ mails, conversation }) => {
        if (mails.length <= 40) return undefined;
        conversation.end();
        return true;
      },
    },
    async (scene) => {
      arrive(scene, ...numbers(3, 60));
      await scene.ran(...numbers(3, 60));
    },
  );

  odd(
    'whose answers cannot be read is waited for, and people are told',
    {
      fetched: (_, seq, { uid, raw }) =>
        `* ${seq} FETCH (FLAGS ())\r\n UID ${uid} RFC822.SIZE ${raw.length})\r\n`,
    },
    async (scene) => {
      arrive(scene, 3, 4);
      await scene.hears(/says that there .* mail.*cannot be read/);
      scene.server.script = {};
      await scene.ran(3, 4);
    },
  );

  it('that came at nobody knows when, before the mailbox was first reached, runs', async () => {
    const own = new Cleanup();
    try {
      const server = await own.of(ScriptedImapServer.start());
      let isAway = true;
      server.script = {
        command: (name, tag) =>
          isAway && name === 'EXAMINE' ? `${tag} NO [UNAVAILABLE] later\r\n` : undefined,
      };
      const old = imapDate(new Date(Date.now() - 90 * 86_400_000));
      server.mails.push(scriptedMail(1, { date: old }), scriptedMail(2, { date: old }));
      const scene = new OddServer(n8n, server, await own.of(Sink.start()), await own.of(Sink.start()));
      await scene.publish();
      await scene.hears(/cannot be opened now .*later.*It is there: it is tried again/);
      server.mails.push(scriptedMail(3, { date: 'NIL' }));
      isAway = false;
      await scene.ran(3);
      assert.deepEqual(
        scene.sink.deliveries.map(({ uid }) => uid),
        [3],
      );
    } finally {
      await own.run();
    }
  });
});
