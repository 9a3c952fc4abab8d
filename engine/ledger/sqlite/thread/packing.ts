// How arguments and results cross from thread to thread where that is not as they are: mails' contents travel as one run
// of bytes that changes hands, what there are many of as JSON, which takes a third of the time that objects take; and
// nothing travels that the ledger does not read.
// Invariant: what a caller handed in stays the caller's: only copies of its bytes are given away.
import type { Candidate, NewMessage, RecordBatch } from '../../ledger';
import { askedOf, type Unrecorded, withDue } from '../unrecorded';
import type { Call } from './calls';

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
  /** JSON of the batch; in the place of each content the octets that it has, null: it has none. */
  readonly batch: string;
  /** The contents, one after the other. */
  readonly bytes: ArrayBuffer;
}

type CountedMessage = Omit<NewMessage, 'content'> & { readonly content: number | null };

/** In n8n's thread, before the call. */
export function packedArguments(call: Call, args: readonly unknown[]): PackedArguments {
  if (call === 'record') {
    const packed = packedBatch(args[0] as RecordBatch);
    return { args: [packed], give: [packed.bytes] };
  }
  if (call === 'unrecorded') return { args: [askedOf(args[0] as Candidate[])], give: [] };
  return { args, give: [] };
}

/** In the file's thread. */
export const unpackedArguments = (call: Call, args: readonly unknown[]): readonly unknown[] =>
  call === 'record' ? [unpackedBatch(args[0] as PackedBatch)] : args;

/** In the file's thread, when all is done with them: what they hold is not kept until its garbage is collected. */
export function letGoOfArguments(call: Call, args: readonly unknown[]): void {
  // ES2024, in every Node.js that has node:sqlite.
  if (call === 'record')
    (args[0] as { readonly bytes: { transfer(length: number): unknown } }).bytes.transfer(0);
}

/** In the file's thread, after the call. */
export function packedResult(call: Call, result: unknown): Packed {
  if (call === 'unrecorded') return { value: JSON.stringify(result), give: [] };
  if (call !== 'contents') return { value: result, give: [] };
  const contents = [...(result as ReadonlyMap<string, Buffer>)].map(([event, content]) => {
    const isWhole = content.byteLength === content.buffer.byteLength;
    return [event, isWhole ? content : Uint8Array.from(content)] as const;
  });
  return { value: new Map(contents), give: contents.map(([, { buffer }]) => buffer as ArrayBuffer) };
}

/** In n8n's thread. @param args as they were handed in */
export function unpackedResult(call: Call, args: readonly unknown[], value: unknown): unknown {
  if (call === 'unrecorded') {
    return withDue(args[0] as Candidate[], JSON.parse(value as string) as Unrecorded[]);
  }
  if (call !== 'contents') return value;
  const contents = value as ReadonlyMap<string, Uint8Array>;
  return new Map([...contents].map(([event, { buffer }]) => [event, Buffer.from(buffer)]));
}

function packedBatch({ hold, cursors, messages }: RecordBatch): PackedBatch {
  const bytes = new Uint8Array(messages.reduce((sum, { content }) => sum + (content?.length ?? 0), 0));
  let offset = 0;
  for (const { content } of messages) {
    if (!content) continue;
    bytes.set(content, offset);
    offset += content.length;
  }
  const batch = JSON.stringify({ hold, cursors, messages: messages.map(counted) });
  return { batch, bytes: bytes.buffer };
}

function unpackedBatch({ batch, bytes }: PackedBatch): RecordBatch {
  const { messages, ...rest } = JSON.parse(batch) as Omit<RecordBatch, 'messages'> & {
    readonly messages: readonly CountedMessage[];
  };
  let offset = 0;
  return {
    ...rest,
    messages: messages.map(({ content: size, ...message }) => {
      const content = size === null ? null : Buffer.from(bytes, offset, size);
      offset += size ?? 0;
      return { ...message, content };
    }),
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
  content: message.content?.length ?? null,
  due: message.due,
  ...(message.gone !== undefined && { gone: message.gone }),
});
