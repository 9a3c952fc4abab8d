// How the items that a step handed on are stored, and given back: JSON, then the bytes of their files, all of it compressed. Files
// are read from n8n's own store, which lets go of them with the run, and filed again there for the run that is given them.
// Invariants: what is larger than may be kept is never put together in memory; nothing of an item is in an error or a log; what
// cannot be read again as it was is not there at all; and only the node that has stored it is given it, whatever keys others have.
import { setImmediate } from 'node:timers/promises';
import type {
  IBinaryData,
  IBinaryKeyData,
  IDataObject,
  IExecuteFunctions,
  INodeExecutionData,
} from 'n8n-workflow';
import { packContent, unpackContent } from '../../../engine/ledger/content';

export type Files = Pick<IExecuteFunctions['helpers'], 'getBinaryStream' | 'setBinaryDataBuffer'>;

/** How much may still be kept, in bytes before they are compressed. Items of one call have it together. */
export interface Room {
  left: number;
}

/** What the steps of one call of Run Once handed on for one of its keys. */
export interface Answer {
  /** Names the call; undefined: it is of a version that did not store it. */
  readonly call?: string | undefined;
  readonly items: readonly HandedItem[];
}

export interface HandedItem {
  readonly item: INodeExecutionData;
  /** Its place among all that the steps of the call handed on, for all keys. */
  readonly at: number;
}

const FORM = 1;
const LENGTH_BYTES = 4;
/** Where n8n puts an item's files that is told to keep them in its JSON (setting `binaryMode` of a workflow). */
const FILES_IN_JSON = '_files';
/** After so many characters n8n has a turn. */
const TURN_CHARACTERS = 256 * 1024;

type Place = 'binary' | 'json';

interface StoredFile extends Omit<IBinaryData, 'data' | 'id'> {
  /** How many bytes it has, of those that follow. */
  readonly length: number;
}

interface StoredItem {
  readonly json: IDataObject;
  readonly files?: readonly (readonly [place: Place, name: string, file: StoredFile])[];
}

interface Stored {
  readonly form: number;
  /** Whose it is: a workflow and a node. */
  readonly of: string;
  readonly items: readonly StoredItem[];
  /** Not there in what a version before this has stored. */
  readonly call?: string;
  readonly at?: readonly number[];
}

/** @param of the workflow and the node @returns null: there is no room for it, or it cannot be stored */
export async function packAnswer(
  { call, items }: Answer,
  of: string,
  room: Room,
  files: Files,
): Promise<Buffer | null> {
  try {
    const texts: string[] = [];
    const bytes: Buffer[] = [];
    let turn = TURN_CHARACTERS;
    for (const { item } of items) {
      const stored = await storedItem(item, room, files, bytes);
      if (!stored || !isWithin(stored, room.left)) return null;
      const text = JSON.stringify(stored);
      room.left -= Buffer.byteLength(text);
      if (room.left < 0) return null;
      texts.push(text);
      turn -= text.length;
      if (turn < 0) {
        turn = TURN_CHARACTERS;
        await setImmediate();
      }
    }
    const whose = JSON.stringify({ form: FORM, of, call, at: items.map(({ at }) => at) });
    const head = Buffer.from(`${whose.slice(0, -1)},"items":[${texts.join(',')}]}`);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(head.length);
    return await packContent(Buffer.concat([length, head, ...bytes]));
  } catch {
    // What JSON cannot say, or a file that is not there: the message might name what is in it.
    return null;
  }
}

/** @returns null: it is another's, or of another form, or cannot be read @throws Error: n8n did not take a file */
export async function unpackAnswer(packed: Buffer, of: string, files: Files): Promise<Answer | null> {
  const read = await unpacked(packed);
  if (read?.stored.of !== of) return null;
  let at = 0;
  const items: HandedItem[] = [];
  const { call, at: places } = read.stored;
  for (const [index, { json, files: stored = [] }] of read.stored.items.entries()) {
    const found: Record<Place, IBinaryKeyData> = { binary: {}, json: {} };
    for (const [place, name, { length, ...file }] of stored) {
      const bytes = Buffer.from(read.bytes.subarray(at, (at += length)));
      found[place][name] = await files.setBinaryDataBuffer({ ...file, data: '' } as IBinaryData, bytes);
    }
    const inJson = Object.keys(found.json).length > 0;
    const item = {
      json: inJson ? { ...json, [FILES_IN_JSON]: found.json } : json,
      ...(Object.keys(found.binary).length > 0 && { binary: found.binary }),
    };
    items.push({ item, at: places?.[index] ?? index });
  }
  return { call, items };
}

async function unpacked(packed: Buffer): Promise<{ stored: Stored; bytes: Buffer } | null> {
  try {
    const raw = await unpackContent(packed);
    const end = LENGTH_BYTES + raw.readUInt32BE();
    const stored = JSON.parse(raw.toString('utf8', LENGTH_BYTES, end)) as Stored;
    return stored.form === FORM ? { stored, bytes: raw.subarray(end) } : null;
  } catch {
    return null;
  }
}

async function storedItem(
  { json, binary }: INodeExecutionData,
  room: Room,
  files: Files,
  bytes: Buffer[],
): Promise<StoredItem | null> {
  const { [FILES_IN_JSON]: inJson, ...rest } = json;
  const places: readonly (readonly [Place, IBinaryKeyData])[] = [
    ['binary', binary ?? {}],
    ['json', isFiles(inJson) ? inJson : {}],
  ];
  const stored: [Place, string, StoredFile][] = [];
  for (const [place, those] of places) {
    for (const [name, { data, id, ...facts }] of Object.entries(those)) {
      const content = await contentOf({ data, id }, room.left, files);
      if (!content) return null;
      room.left -= content.length;
      bytes.push(content);
      stored.push([place, name, { ...facts, length: content.length }]);
    }
  }
  return { json: isFiles(inJson) ? rest : json, ...(stored.length > 0 && { files: stored }) };
}

const isFiles = (value: unknown): value is IBinaryKeyData =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).length > 0 &&
  Object.values(value).every((file) => typeof (file as IBinaryData | null)?.mimeType === 'string');

/** @returns null: it has more bytes than these */
async function contentOf(
  { data, id }: { readonly data: string; readonly id: string | undefined },
  most: number,
  files: Files,
): Promise<Buffer | null> {
  if (id === undefined) {
    if (Buffer.byteLength(data, 'base64') > most) return null;
    return Buffer.from(data, 'base64');
  }
  const stream = await files.getBinaryStream(id);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    // What is left of it is not read: the loop ends the stream.
    if (length > most) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Whether its JSON may have so few characters, without writing it: of what is much larger that takes too long. */
function isWithin(value: unknown, most: number): boolean {
  let left = most;
  const open: unknown[] = [value];
  while (open.length > 0 && left >= 0) {
    const next = open.pop();
    if (typeof next === 'string') left -= next.length;
    else if (Array.isArray(next)) {
      // Each has a sign at least; of many more than may be none is looked at.
      left -= next.length;
      if (left >= 0) for (const one of next as readonly unknown[]) open.push(one);
    } else if (ArrayBuffer.isView(next)) {
      // Of a buffer each number is a sign at least.
      left -= next.byteLength / 8;
    } else if (typeof next === 'object' && next !== null && !saysItself(next)) {
      for (const [key, one] of Object.entries(next)) {
        if (one === undefined) continue;
        left -= key.length + 3;
        open.push(one);
      }
    }
    left -= 1;
  }
  return left >= 0;
}

/** What is in it is not what JSON has of it: a date, n8n's DateTime. */
const saysItself = (value: object): boolean => 'toJSON' in value && typeof value.toJSON === 'function';
