// The same requests at the fake of Gmail and at a published emulator of it (@emulators/google): what both cover has to
// look and behave the same, so that the fake is not its own judge.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { PlainClient, type Said } from '../support/gmail/client';
import { GoogleEmulator } from '../support/gmail/emulator';
import { FakeGmail } from '../support/gmail/fake';
import { rawMail } from '../support/mails';

const ADDRESS = 'bob@example.com';

interface Server {
  readonly what: string;
  readonly start: (cleanup: Cleanup) => Promise<PlainClient>;
}

const SERVERS: readonly Server[] = [
  {
    what: 'the fake',
    start: async (cleanup) => {
      const gmail = await cleanup.of(FakeGmail.start());
      return new PlainClient(gmail.url, gmail.token(ADDRESS));
    },
  },
  {
    what: 'the emulator',
    start: async (cleanup) => {
      const emulator = await cleanup.of(GoogleEmulator.start('ya29.good', ADDRESS));
      return new PlainClient(emulator.url, 'ya29.good');
    },
  },
];

/** What a test reads of an answer, as Google's reference describes it. */
interface Message {
  readonly id: string;
  readonly threadId: string;
  readonly labelIds: readonly string[];
  readonly historyId: string;
  readonly internalDate: string;
  readonly payload: { readonly headers: readonly { readonly name: string; readonly value: string }[] };
  readonly raw: string;
}

interface Record {
  readonly id: string;
  readonly messagesAdded?: readonly { readonly message: Message }[];
  readonly messagesDeleted?: readonly { readonly message: Message }[];
  readonly labelsAdded?: readonly { readonly message: Message; readonly labelIds: readonly string[] }[];
  readonly labelsRemoved?: readonly { readonly message: Message; readonly labelIds: readonly string[] }[];
}

const message = ({ json }: Said): Message => json as unknown as Message;
const ids = ({ json }: Said): string[] => ((json?.messages ?? []) as Message[]).map(({ id }) => id);
const records = ({ json }: Said): readonly Record[] => (json?.history ?? []) as Record[];
const sorted = (labelIds: readonly string[]): string[] => [...labelIds].sort();
const encoded = (raw: string): string => Buffer.from(raw).toString('base64url');

/** Types by path, of all elements of a list together. */
function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((each) => shape(each, `${path}[]`)))];
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([name, each]) => shape(each, path === '' ? name : `${path}.${name}`));
}

for (const { what, start } of SERVERS) {
  describe(`${what} of Gmail`, () => {
    const cleanup = new Cleanup();
    let client: PlainClient;

    before(async () => {
      client = await start(cleanup);
    });
    after(() => cleanup.run());

    const bring = async (
      subject: string,
      labelIds = ['INBOX', 'UNREAD'],
      date = new Date(),
    ): Promise<Message> => {
      const raw = encoded(rawMail({ subject, date }));
      const { id } = message(await client.post('messages/import', { raw, labelIds }));
      return message(await client.get(`messages/${id}?format=minimal`));
    };

    it('takes a mail in with its labels and its date, and hands it out as it came', async () => {
      const raw = rawMail({ subject: 'Whole', date: new Date('2026-01-02T10:00:00Z') });
      const { id } = message(
        await client.post('messages/import', { raw: encoded(raw), labelIds: ['INBOX', 'UNREAD'] }),
      );
      const read = message(await client.get(`messages/${id}?format=raw`));
      assert.equal(Buffer.from(read.raw, 'base64url').toString(), raw);
      assert.deepEqual(sorted(read.labelIds), ['INBOX', 'UNREAD']);
      assert.equal(read.internalDate, String(Date.UTC(2026, 0, 2, 10)));
      assert.match(read.historyId, /^\d+$/);
    });

    it('hands out only the headers asked for', async () => {
      const { id } = await bring('Headers');
      const read = message(
        await client.get(`messages/${id}?format=metadata&metadataHeaders=Subject&metadataHeaders=From`),
      );
      assert.deepEqual(read.payload.headers.map(({ name }) => name).sort(), ['From', 'Subject']);
    });

    it('lists the newest first, in pages', async () => {
      const label = (await client.post('labels', { name: 'Pages' })).json?.id as string;
      const brought: string[] = [];
      for (const day of [1, 3, 2])
        brought.unshift((await bring(`Day ${day}`, [label], new Date(Date.UTC(2026, 1, day)))).id);
      const [second, third, first] = brought;
      const query = `messages?labelIds=${label}&maxResults=2`;
      const page = await client.get(query);
      assert.deepEqual(ids(page), [third, second]);
      const next = await client.get(`${query}&pageToken=${String(page.json?.nextPageToken)}`);
      assert.deepEqual(ids(next), [first]);
      assert.equal(next.json?.nextPageToken, undefined);
    });

    it('searches by words of the subject, sender, state and label, and leaves spam and trash out', async () => {
      const { id } = await bring('Zebra crossing');
      const { id: spam } = await bring('Zebra spam', ['SPAM']);
      for (const q of ['subject:zebra', 'from:ann@example.com subject:crossing', 'is:unread subject:zebra'])
        assert.deepEqual(ids(await client.get(`messages?q=${encodeURIComponent(q)}`)), [id], q);
      assert.deepEqual(ids(await client.get('messages?q=subject:giraffe')), []);
      const all = await client.get('messages?q=subject:zebra&includeSpamTrash=true');
      assert.deepEqual(ids(all).sort(), [id, spam].sort());
    });

    it('tells in the history what came, what was labelled and what was deleted', async () => {
      const { historyId } = await bring('Before');
      const { id } = await bring('History');
      await client.post(`messages/${id}/modify`, { addLabelIds: ['STARRED'], removeLabelIds: ['UNREAD'] });
      await client.delete(`messages/${id}`);
      const said = await client.get(`history?startHistoryId=${historyId}`);
      const told = records(said);
      assert.ok(
        told.flatMap((record) => record.messagesAdded ?? []).some((added) => added.message.id === id),
      );
      assert.deepEqual(told.flatMap((record) => record.labelsAdded ?? [])[0]?.labelIds, ['STARRED']);
      assert.deepEqual(told.flatMap((record) => record.labelsRemoved ?? [])[0]?.labelIds, ['UNREAD']);
      assert.equal(told.flatMap((record) => record.messagesDeleted ?? [])[0]?.message.id, id);
      for (const record of told) assert.ok(BigInt(record.id) > BigInt(historyId), 'strictly after the start');
      const end = said.json?.historyId as string;
      const rest = await client.get(`history?startHistoryId=${end}`);
      assert.deepEqual(records(rest), []);
      assert.equal(rest.json?.historyId, end);
    });

    it('takes only the asked kind from the history, in pages', async () => {
      const { historyId } = await bring('Before');
      const brought = [await bring('One'), await bring('Two'), await bring('Three')];
      await client.post(`messages/${brought[0]!.id}/modify`, { addLabelIds: ['STARRED'] });
      const query = `history?startHistoryId=${historyId}&historyTypes=messageAdded&maxResults=2`;
      const page = await client.get(query);
      const next = await client.get(`${query}&pageToken=${String(page.json?.nextPageToken)}`);
      assert.equal(records(page).length, 2);
      const added = [page, next].flatMap((each) => records(each).flatMap((record) => record.messagesAdded!));
      assert.deepEqual(
        added.map((each) => each.message.id),
        brought.map(({ id }) => id),
      );
    });

    it('changes labels of one mail and of many, and passes over what is not there', async () => {
      const [one, two] = [await bring('Many 1'), await bring('Many 2')];
      const changed = message(await client.post(`messages/${one.id}/modify`, { addLabelIds: ['STARRED'] }));
      assert.deepEqual(sorted(changed.labelIds), ['INBOX', 'STARRED', 'UNREAD']);
      const said = await client.post('messages/batchModify', {
        ids: [one.id, two.id, '19affffffffffff1'],
        removeLabelIds: ['UNREAD'],
      });
      assert.equal(said.status, 204);
      const read = message(await client.get(`messages/${two.id}?format=minimal`));
      assert.deepEqual(read.labelIds, ['INBOX']);
    });

    it('moves a mail to the trash and out of it', async () => {
      const { id } = await bring('Trash', ['INBOX']);
      assert.deepEqual(message(await client.post(`messages/${id}/trash`)).labelIds, ['TRASH']);
      assert.ok(!message(await client.post(`messages/${id}/untrash`)).labelIds.includes('TRASH'));
    });

    it("refuses with Google's JSON for errors", async () => {
      const { id } = await bring('Errors');
      for (const [said, code, status] of [
        [await client.get('messages/19affffffffffff1'), 404, 'NOT_FOUND'],
        [
          await client.post(`messages/${id}/modify`, { addLabelIds: ['Label_none'] }),
          400,
          'INVALID_ARGUMENT',
        ],
        [await client.get('history'), 400, 'INVALID_ARGUMENT'],
        [await client.post('watch', {}), 400, 'INVALID_ARGUMENT'],
      ] as const) {
        assert.equal(said.status, code);
        const error = said.json?.error as { code: number; status: string; errors: { reason: string }[] };
        assert.equal(error.code, code);
        assert.equal(error.status, status);
        assert.equal(typeof error.errors[0]?.reason, 'string');
      }
    });

    it('watches, and stops', async () => {
      const { json } = await client.post('watch', { topicName: 'projects/p/topics/t', labelIds: ['INBOX'] });
      assert.ok(Number(json?.expiration) > Date.now());
      assert.match(String(json?.historyId), /^\d+$/);
      assert.ok((await client.post('stop')).status < 300);
    });
  });
}

describe('the fake and the emulator', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** What the emulator does otherwise than Google's reference says, by the path of the field. */
  const ITS_OWN = [
    /^labels\.labels\[\]\.(messages|threads)(Total|Unread)/, // Only labels.get counts.
    /^label\.(messages|threads)(Total|Unread)/,
    /^metadata\.payload\.(partId|filename|body)/, // The parts of format full.
    /\.history\[\]\.(messages\[\]|.*\.message)\.(historyId|internalDate)/, // A record names a message, no more.
    /\.history\[\]\.messages\[\]\.labelIds/,
    /^modify\.(snippet|sizeEstimate|historyId|internalDate|payload)/, // Gmail answers with id, threadId and labelIds.
    /^imported\.(snippet|sizeEstimate|historyId|internalDate|payload)/,
  ];

  it('answer in the same shapes', async () => {
    const shapes = await Promise.all(
      SERVERS.map(async ({ start }) => {
        const client = await start(cleanup);
        const raw = encoded(
          rawMail({ subject: 'Shapes', attachment: { name: 'a.bin', content: Buffer.from('abc') } }),
        );
        const first = message(await client.post('messages/import', { raw, labelIds: ['INBOX'] }));
        const { historyId } = message(await client.get(`messages/${first.id}?format=minimal`));
        const imported = await client.post('messages/import', { raw, labelIds: ['INBOX'] });
        const { id } = message(imported);
        const modify = await client.post(`messages/${id}/modify`, { addLabelIds: ['STARRED'] });
        const label = await client.post('labels', { name: 'Shapes' });
        const answers = {
          imported,
          modify,
          label,
          list: await client.get('messages?maxResults=1'),
          minimal: await client.get(`messages/${id}?format=minimal`),
          metadata: await client.get(`messages/${id}?format=metadata`),
          full: await client.get(`messages/${id}`),
          raw: await client.get(`messages/${id}?format=raw`),
          added: await client.get(`history?startHistoryId=${historyId}&historyTypes=messageAdded`),
          labelled: await client.get(`history?startHistoryId=${historyId}&historyTypes=labelAdded`),
          labels: await client.get('labels'),
          watch: await client.post('watch', { topicName: 'projects/p/topics/t' }),
          missing: await client.get('messages/19affffffffffff1'),
        };
        return Object.entries(answers).flatMap(([name, { json }]) => shape(json, name));
      }),
    );
    const [ours, theirs] = shapes as [string[], string[]];
    const common = theirs.filter((path) => !ITS_OWN.some((own) => own.test(path)));
    assert.ok(common.length > 50, 'there is something to compare');
    assert.deepEqual(
      common.filter((path) => !ours.includes(path)),
      [],
    );
  });
});
