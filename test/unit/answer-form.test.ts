// How the answer of a guarded step is stored and given back: what is in n8n's store of files, what there is no room for, and what
// cannot be read.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';
import { packContent } from '../../engine/ledger/content';
import { type Files, packAnswer, type Room, unpackAnswer } from '../../nodes/host/run/answer-form';

const MEGABYTE = 1024 * 1024;

/** n8n's store of files: each has an id, and is read in chunks. */
class FakeStore {
  readonly stored = new Map<string, Buffer>();
  readonly read: number[] = [];

  readonly files = {
    getBinaryStream: async (id: string) => {
      const bytes = this.stored.get(id);
      if (!bytes) throw new Error(`secret of ${id}`);
      const chunks = Array.from({ length: Math.ceil(bytes.length / 1_000) }, (_, i) =>
        bytes.subarray(i * 1_000, (i + 1) * 1_000),
      );
      const read = this.read;
      return Readable.from(
        (function* () {
          for (const chunk of chunks) {
            read.push(chunk.length);
            yield chunk;
          }
        })(),
      );
    },
    setBinaryDataBuffer: async (facts: IBinaryData, bytes: Buffer) => {
      const id = `filesystem-v2:${this.stored.size}`;
      this.stored.set(id, bytes);
      return { ...facts, id, data: 'filesystem-v2', bytes: bytes.length };
    },
  } as unknown as Files;

  file(bytes: Buffer, more: Partial<IBinaryData> = {}): IBinaryData {
    const id = `filesystem-v2:old ${this.stored.size}`;
    this.stored.set(id, bytes);
    return { id, data: 'filesystem-v2', mimeType: 'text/plain', fileName: 'a.txt', ...more };
  }
}

const packed = (
  items: readonly INodeExecutionData[],
  store: FakeStore,
  room: Room = { left: MEGABYTE },
): Promise<Buffer | null> =>
  packAnswer(
    { call: 'call', items: items.map((item, at) => ({ item, at: at * 2 })) },
    'step',
    room,
    store.files,
  );

const stored = (json: string): Promise<Buffer> => {
  const head = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return packContent(Buffer.concat([length, head]));
};

describe('the answer of a guarded step', () => {
  it('has the bytes of its files, wherever n8n keeps them: they are filed anew for the run that is given them', async () => {
    const store = new FakeStore();
    const [one, two] = [Buffer.from('one'.repeat(1_000)), Buffer.from([0, 255, 128])];
    const inJson = store.file(two, { mimeType: 'image/png', fileName: 'b.png' });
    const answer = await packed(
      [
        {
          json: { a: 1 },
          binary: { one: store.file(one), two: { data: two.toString('base64'), mimeType: 'x/y' } },
        },
        { json: { b: 2, _files: { three: inJson } } },
        { json: { _files: 'a text of that name' } },
      ],
      store,
    );
    const old = [...store.stored.keys()];
    for (const id of old) store.stored.delete(id);
    const { call, items } = (await unpackAnswer(answer!, 'step', store.files))!;
    assert.deepEqual([call, items.map(({ at }) => at)], ['call', [0, 2, 4]]);
    const [first, second, third] = items.map(({ item }) => item);
    const bytesOf = (file: unknown): Buffer => store.stored.get((file as IBinaryData).id!)!;
    assert.deepEqual(first!.json, { a: 1 });
    assert.deepEqual([bytesOf(first!.binary!['one']), bytesOf(first!.binary!['two'])], [one, two]);
    assert.equal(first!.binary!['one']!.fileName, 'a.txt');
    const { _files: files, ...rest } = second!.json;
    assert.deepEqual(rest, { b: 2 });
    const { three } = files as unknown as { three: IBinaryData };
    assert.deepEqual([bytesOf(three), three.mimeType, three.fileName], [two, 'image/png', 'b.png']);
    assert.equal(second!.binary, undefined);
    assert.deepEqual(third, { json: { _files: 'a text of that name' } });
  });

  it('is none where there is no room for it, and a file is read no further than there is', async () => {
    const store = new FakeStore();
    const large = { json: {}, binary: { large: store.file(Buffer.alloc(100_000)) } };
    assert.equal(await packed([large], store, { left: 5_000 }), null);
    assert.ok(store.read.length <= 8, `${store.read.length} chunks`);
    const items = Array.from({ length: 10 }, () => ({ json: { text: 'x'.repeat(100) } }));
    assert.equal(await packed(items, store, { left: 1_000 }), null);
    const room = { left: 2_000 };
    assert.ok(await packed(items, store, room));
    assert.ok(room.left < 900, 'what is left is for the others of the call');
    assert.equal(await packed(items, store, room), null);
  });

  it('is none, without a word of it, if it cannot be stored', async () => {
    const store = new FakeStore();
    for (const item of [
      { json: { big: 1n } as unknown as IDataObject },
      { json: {}, binary: { gone: { id: 'gone', data: '', mimeType: 'x/y' } } },
    ]) {
      assert.equal(await packed([item], store), null);
    }
  });

  it('is none for another node, of another form, or if it cannot be read', async () => {
    const store = new FakeStore();
    const answer = (await packed([{ json: {} }], store))!;
    assert.deepEqual((await unpackAnswer(answer, 'step', store.files))?.items, [
      { item: { json: {} }, at: 0 },
    ]);
    assert.equal(await unpackAnswer(answer, 'another', store.files), null);
    assert.equal(await unpackAnswer(answer.subarray(0, 20), 'step', store.files), null);
    assert.equal(await unpackAnswer(Buffer.from('no gzip'), 'step', store.files), null);
    const later = await stored('{"form":2,"of":"step","items":[]}');
    assert.equal(await unpackAnswer(later, 'step', store.files), null);
  });

  it('is read without a place of its items, as it was stored once', async () => {
    const before = await stored('{"form":1,"of":"step","items":[{"json":{"a":1}},{"json":{}}]}');
    assert.deepEqual(await unpackAnswer(before, 'step', new FakeStore().files), {
      call: undefined,
      items: [
        { item: { json: { a: 1 } }, at: 0 },
        { item: { json: {} }, at: 1 },
      ],
    });
  });

  it('is as large as its JSON: not as what a DateTime has inside, or what is not said', async () => {
    const store = new FakeStore();
    const inside = { inside: 'x'.repeat(100_000), toJSON: () => '2026-01-01' };
    const unsaid = { ['y'.repeat(100_000)]: undefined };
    const item = { json: { inside, unsaid } as unknown as IDataObject };
    assert.ok(await packed([item], store, { left: 1_000 }));
  });

  it('holds n8n up for no longer than it has room, however much a step hands on', async () => {
    const store = new FakeStore();
    const huge = { json: { rows: Array.from({ length: 3_000_000 }, (_, i) => i) } };
    const began = performance.now();
    assert.equal(await packed([huge], store, { left: MEGABYTE }), null);
    // Written as JSON it takes ten times as long.
    assert.ok(performance.now() - began < 1_000);
  });
});
