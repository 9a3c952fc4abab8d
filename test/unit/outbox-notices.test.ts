// Whoever hears of what people have to see to: its place in the changes, what it is told, and what of it moves when.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { isReader } from '../../engine/ledger/endpoints';
import type { NewEntry } from '../../engine/ledger/outbox';
import { openPlace } from '../../engine/instance/place';
import type { Ledger } from '../../engine/ledger/ledger';
import { type Notice, Notices, type NoticesAsked } from '../../engine/outbox/notices';
import { newReader } from '../../engine/outbox/reader';
import { itemOf } from '../../nodes/OutboxTrigger/items';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const ALL: NoticesAsked = {
  kinds: ['failed', 'unknown', 'bounced', 'endpointAside'],
  workflowIds: null,
  entryKind: null,
};

describe('notices of the outbox', () => {
  let folder: string;
  let place: Awaited<ReturnType<typeof openPlace>>;
  let ledger: Ledger;
  let told: Notice[];
  let readers = 0;
  let entries = 0;
  const { signal } = new AbortController();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notices-'));
    place = await openPlace({ kind: 'sqlite', file: join(folder, 'ledger.sqlite') }, log, undefined);
    ledger = place.ledger;
  });
  after(async () => {
    await place.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => void (told = []));

  const tell = async (notice: Notice): Promise<void> => void told.push(notice);
  const notices = (reader = newReader('w', `n${++readers}`), asked = ALL, teller = tell): Notices =>
    new Notices({ ledger, wake: place.wake, log: log, reader, asked, tell: teller });

  /** An entry that has come to an end. */
  async function ended(became: 'FAILED' | 'UNKNOWN' | 'SENT', more: Partial<NewEntry> = {}): Promise<string> {
    const n = ++entries;
    const [entry] = await ledger.enqueue([
      {
        ...{ key: `key ${n}`, kind: 'webhook', lane: `host:${n}`, request: {}, content: Buffer.from('x') },
        ...{ recipient: `https://example.com/${n}`, subject: null, messageId: null, repeats: false },
        origin: { workflowId: 'w1', nodeId: 'n', nodeName: 'Post', event: null },
        keepMs: 86_400_000,
        ...more,
      },
    ]);
    const [due] = await ledger.takeEntries({
      ...{ of: { ids: [entry!.id] }, limit: 1, leaseMs: 60_000, mostAtOnce: 10, mostAMinute: null },
    });
    await ledger.handOver(due!);
    const outcome =
      became === 'SENT'
        ? ({ became, answer: 'HTTP 200' } as const)
        : became === 'FAILED'
          ? ({ became, error: 'It answered 500' } as const)
          : ({ became, error: 'It was cut off', lookAfterMs: null } as const);
    await ledger.settleEntries([{ ...due!, outcome }]);
    return entry!.id;
  }

  it('begin with what becomes so from then on, and tell of each once, as the log has it', async () => {
    await ended('FAILED');
    const reading = notices();
    await reading.begin();
    const [failed, , unknown] = [await ended('FAILED'), await ended('SENT'), await ended('UNKNOWN')];
    await reading.look(signal);
    await reading.look(signal);
    assert.deepEqual(
      told.map(({ kind, entry }) => [kind, entry?.id, entry?.state, entry?.lastError]),
      [
        ['failed', failed, 'FAILED', 'It answered 500'],
        ['unknown', unknown, 'UNKNOWN', 'It was cut off'],
      ],
    );
  });

  it('are told again, under the same id, where whoever is told has not taken them; and to nobody in between', async () => {
    const reader = newReader('w', `n${++readers}`);
    const dying = notices(reader, ALL, async (notice) => {
      told.push(notice);
      if (told.length === 2) throw new Error('The process ends');
    });
    await dying.begin();
    const ids = [await ended('FAILED'), await ended('FAILED')];
    await assert.rejects(dying.look(signal), /The process ends/);
    // Another process, after a restart.
    await notices(reader).look(signal);
    assert.deepEqual(
      told.map(({ entry }) => entry?.id),
      [ids[0], ids[1], ids[1]],
    );
    assert.equal(told[1]!.id, told[2]!.id);
  });

  it('tell only what was asked for', async () => {
    const ofWorkflow = notices(undefined, { ...ALL, workflowIds: ['w2'] });
    const ofMail = notices(undefined, { ...ALL, entryKind: 'mail', kinds: ['failed'] });
    await ofWorkflow.begin();
    await ofMail.begin();
    await ended('FAILED');
    const mine = await ended('UNKNOWN', {
      kind: 'mail',
      origin: { workflowId: 'w2', nodeId: 'n', nodeName: 'Send', event: null },
    });
    const mail = await ended('FAILED', { kind: 'mail' });
    await ofWorkflow.look(signal);
    assert.deepEqual(
      told.splice(0).map(({ entry }) => entry?.id),
      [mine],
    );
    await ofMail.look(signal);
    assert.deepEqual(
      told.map(({ entry }) => entry?.id),
      [mail],
    );
  });

  it('tell of mails that bounced, and of endpoints that were set aside, with the reason', async () => {
    const reading = notices();
    await reading.begin();
    const id = await ended('SENT', { kind: 'mail', messageId: '<a@example.com>' });
    await ledger.noteBounces([{ messageId: '<a@example.com>', reason: '550 No such user' }]);
    const { id: endpoint } = await ledger.saveEndpoint(
      {
        ...{ name: 'CRM', url: 'https://example.com/hook', request: { form: 1 } },
        wish: { types: ['email.dead'], workflowId: null, sourceId: null },
      },
      'test',
    );
    await ledger.setAside(endpoint, 'It is gone');
    await reading.look(signal);
    assert.deepEqual(
      told.map(({ kind, entry, endpoint: of }) => [kind, entry?.id, of?.name, of?.asideReason]),
      [
        ['bounced', id, undefined, undefined],
        ['endpointAside', undefined, 'CRM', 'It is gone'],
      ],
    );
  });

  it('tell of an endpoint without what opens it: a token in its URL would stand in every execution', async () => {
    const reading = notices();
    await reading.begin();
    const { id } = await ledger.saveEndpoint(
      {
        ...{ name: 'Chat', url: 'https://example.com/hook/T0KENx7q9zR4mW2pL8sV?room=secret', request: {} },
        wish: { types: ['email.dead'], workflowId: null, sourceId: null },
      },
      'test',
    );
    await ledger.setAside(id, 'It is gone');
    await reading.look(signal);
    assert.deepEqual(
      told.map((notice) => itemOf(notice).json['endpoint']),
      [{ name: 'Chat', url: 'https://example.com/hook/T0KE…?room=…', reason: 'It is gone' }],
    );
  });

  it('go on from now where a person has removed their place', async () => {
    const reader = newReader('w', `n${++readers}`);
    const reading = notices(reader);
    await reading.begin();
    await ended('FAILED');
    await ledger.removeEndpoint(reader.name, 'test');
    await reading.look(signal);
    assert.equal(told.length, 0);
    const later = await ended('FAILED');
    await reading.look(signal);
    assert.deepEqual(
      told.map(({ entry }) => entry?.id),
      [later],
    );
    assert.ok((await ledger.endpoints()).filter(({ name }) => name === reader.name).every(isReader));
  });
});
