// How arguments and results cross from thread to thread where that is not as they are: mails' contents travel as one run
// of bytes that changes hands, those of large mails in their pieces, what there are many of as JSON, which takes a third of the time that objects take; and
// nothing travels that the ledger does not read.
// Invariant: what a caller handed in stays the caller's: only copies of its bytes are given away, but for the pieces of large
// mails, which the port takes.
import type { Annotations } from '../../annotations';
import { plainAnnotation } from '../../common/annotation';
import type { Call } from '../../common/parts';
import {
  type ContentPiece,
  type NewContent,
  type PackedContent,
  piecesOf,
  UnpackedContent,
} from '../../content';
import type { DueEntry } from '../../outbox';
import type { Claim } from '../../pointer';
import type { Candidate, NewMessage, RecordBatch } from '../../recording';
import { askedOf, withDue } from '../unrecorded';

/** @property give what changes hands instead of being copied */
interface Packed {
  readonly value: unknown;
  readonly give: ArrayBuffer[];
}

interface PackedArguments {
  readonly args: readonly unknown[];
  readonly give: ArrayBuffer[];
}

interface PackedBatch {
  /** JSON of the batch; in the place of each content what is to be found of it. */
  readonly batch: string;
  /** The contents of one piece, packed or not, one after the other. */
  readonly bytes: ArrayBuffer;
  /** The pieces of the others, one after the other. */
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

/** How many octets a content has, packed or not, or how many pieces; null: there is none. */
type Counted = number | { readonly raw: number } | { readonly pieces: number } | null;
type CountedMessage = Omit<NewMessage, 'content'> & { readonly content: Counted };

/** In n8n's thread, before the call. */
export function packedArguments(call: Call, args: readonly unknown[]): PackedArguments {
  if (call === 'record') {
    const packed = packedBatch(args[0] as RecordBatch);
    return { args: [packed], give: [packed.bytes, ...packed.pieces.map(({ buffer }) => buffer)] };
  }
  if (call === 'unrecorded') return { args: [askedOf(args[0] as Candidate[])], give: [] };
  if (call === 'annotate') return { args: annotated(args as Parameters<Annotations['annotate']>), give: [] };
  return { args, give: [] };
}

/** A workflow's data may be what no thread can be sent, or too deep for it: what cannot be kept is refused before. */
const annotated = ([notes]: Parameters<Annotations['annotate']>): readonly unknown[] => [
  notes.map(({ event, name, annotation }) => {
    return { event, name, annotation: annotation && plainAnnotation(name, annotation) };
  }),
];

/** In the file's thread. */
export const unpackedArguments = (call: Call, args: readonly unknown[]): readonly unknown[] =>
  call === 'record' ? [unpackedBatch(args[0] as PackedBatch)] : args;

/** In the file's thread, when all is done with them: what they hold is not kept until its garbage is collected. */
export function letGoOfArguments(call: Call, args: readonly unknown[]): void {
  // ES2024, in every Node.js that has node:sqlite.
  if (call !== 'record') return;
  const { bytes, pieces } = args[0] as PackedBatch;
  for (const one of [bytes, ...pieces.map(({ buffer }) => buffer)])
    (one as unknown as { transfer(length: number): unknown }).transfer(0);
}

/** In the file's thread, after the call. */
export function packedResult(call: Call, result: unknown): Packed {
  if (call === 'unrecorded') return { value: JSON.stringify(result), give: [] };
  if (call === 'contentPiece') return packedPiece(result as ContentPiece | null);
  if (isClaiming(call)) return packedClaims(result as readonly Claim[]);
  if (call === 'keyAnswers') return packedAnswers(result as ReadonlyMap<string, Buffer>);
  if (call === 'takeEntries') return packedEntries(result as readonly DueEntry[]);
  if (call !== 'contents') return { value: result, give: [] };
  const contents = [...(result as ReadonlyMap<string, PackedContent>)].map(
    ([event, content]) => [event, piecesOf(content).map(own)] as const,
  );
  const give = contents.flatMap(([, pieces]) => pieces.map(({ buffer }) => buffer));
  return { value: new Map(contents), give };
}

function packedPiece(piece: ContentPiece | null): Packed {
  if (!piece) return { value: null, give: [] };
  const gzip = own(piece.gzip);
  return { value: { ...piece, gzip }, give: [gzip.buffer] };
}

function packedAnswers(answers: ReadonlyMap<string, Buffer>): Packed {
  const value = new Map([...answers].map(([key, packed]) => [key, own(packed)]));
  return { value, give: [...value.values()].map(({ buffer }) => buffer) };
}

function packedEntries(entries: readonly DueEntry[]): Packed {
  const value = entries.map(({ content, ...entry }) => ({ ...entry, content: own(content) }));
  return { value, give: value.map(({ content }) => content.buffer) };
}

const isClaiming = (call: Call): boolean => call === 'claim' || call === 'takeByHand';

function packedClaims(claims: readonly Claim[]): Packed {
  const value = claims.map(({ content, ...claim }) => ({ ...claim, content: content && own(content) }));
  return { value, give: value.flatMap(({ content }) => content?.buffer ?? []) };
}

/** In memory that it shares with nothing else. */
const own = (piece: Buffer): Uint8Array<ArrayBuffer> =>
  piece.byteLength === piece.buffer.byteLength ? (piece as Uint8Array<ArrayBuffer>) : Uint8Array.from(piece);

/** In n8n's thread. @param args as they were handed in */
export function unpackedResult(call: Call, args: readonly unknown[], value: unknown): unknown {
  if (call === 'unrecorded') {
    return withDue(args[0] as Candidate[], JSON.parse(value as string) as number[]);
  }
  if (call === 'contentPiece') {
    const piece = value as { readonly gzip: Uint8Array<ArrayBuffer>; readonly pieces: number } | null;
    return piece && { ...piece, gzip: Buffer.from(piece.gzip.buffer) };
  }
  if (isClaiming(call)) {
    const claims = value as readonly (Claim & { readonly content: Uint8Array<ArrayBuffer> | null })[];
    return claims.map((claim) => ({ ...claim, content: claim.content && Buffer.from(claim.content.buffer) }));
  }
  if (call === 'keyAnswers') {
    const answers = value as ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
    return new Map([...answers].map(([key, { buffer }]) => [key, Buffer.from(buffer)]));
  }
  if (call === 'takeEntries') {
    const entries = value as readonly (DueEntry & { readonly content: Uint8Array<ArrayBuffer> })[];
    return entries.map(({ content, ...entry }) => ({ ...entry, content: Buffer.from(content.buffer) }));
  }
  if (call !== 'contents') return value;
  const contents = value as ReadonlyMap<string, readonly Uint8Array<ArrayBuffer>[]>;
  return new Map([...contents].map(([event, pieces]) => [event, contentOf(pieces)]));
}

function contentOf(pieces: readonly Uint8Array<ArrayBuffer>[]): PackedContent {
  const buffers = pieces.map(({ buffer }) => Buffer.from(buffer));
  return buffers.length === 1 ? buffers[0]! : buffers;
}

function packedBatch({ hold, cursors, messages }: RecordBatch): PackedBatch {
  const small: Buffer[] = [];
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (const { content } of messages) {
    if (content instanceof UnpackedContent) small.push(content.raw);
    else if (Buffer.isBuffer(content)) small.push(content);
    else if (content) pieces.push(...content.map(own));
  }
  const bytes = new Uint8Array(small.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const content of small) {
    bytes.set(content, offset);
    offset += content.length;
  }
  const batch = JSON.stringify({ hold, cursors, messages: messages.map(counted) });
  return { batch, bytes: bytes.buffer, pieces };
}

function unpackedBatch({ batch, bytes, pieces }: PackedBatch): RecordBatch {
  const { messages, ...rest } = JSON.parse(batch) as Omit<RecordBatch, 'messages'> & {
    readonly messages: readonly CountedMessage[];
  };
  let offset = 0;
  let taken = 0;
  const next = (octets: number): Buffer => Buffer.from(bytes, (offset += octets) - octets, octets);
  const unpacked = (counted: Counted): NewContent | null => {
    if (counted === null) return null;
    if (typeof counted === 'number') return next(counted);
    if ('raw' in counted) return new UnpackedContent(next(counted.raw));
    return pieces.slice(taken, (taken += counted.pieces)).map(({ buffer }) => Buffer.from(buffer));
  };
  return {
    ...rest,
    messages: messages.map(({ content, ...message }) => ({ ...message, content: unpacked(content) })),
  };
}

const counted = (message: NewMessage): CountedMessage => ({
  identity: message.identity,
  softIdentity: message.softIdentity,
  accountWide: message.accountWide,
  weakIdentity: message.weakIdentity,
  messageId: message.messageId,
  sender: message.sender,
  subject: message.subject,
  uid: message.uid,
  uidValidity: message.uidValidity,
  receivedAt: message.receivedAt,
  size: message.size,
  content: countOf(message.content),
  due: message.due,
  ...(message.gone !== undefined && { gone: message.gone }),
});

function countOf(content: NewContent | null): Counted {
  if (content === null || Buffer.isBuffer(content)) return content?.length ?? null;
  return content instanceof UnpackedContent ? { raw: content.raw.length } : { pieces: content.length };
}
