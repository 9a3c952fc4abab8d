// How arguments and results cross from thread to thread where that is not as they are: mails' contents travel as one run
// of bytes that changes hands, and nothing travels that the ledger does not read.
// Invariant: what a caller handed in stays the caller's: only copies of its bytes are given away.
import type { Candidate, NewMessage, RecordBatch } from '../../ledger';
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
  readonly hold: RecordBatch['hold'];
  readonly cursors: RecordBatch['cursors'];
  readonly messages: readonly NewMessage[];
  /** Octets of each message's content, in their order; null: it has none. */
  readonly sizes: readonly (number | null)[];
  readonly bytes: ArrayBuffer;
}

/** In n8n's thread, before the call. */
export function packedArguments(call: Call, args: readonly unknown[]): PackedArguments {
  if (call === 'record') {
    const packed = packedBatch(args[0] as RecordBatch);
    return { args: [packed], give: [packed.bytes] };
  }
  if (call === 'unrecorded') return { args: [(args[0] as Candidate[]).map(asked)], give: [] };
  return { args, give: [] };
}

/** In the file's thread. */
export const unpackedArguments = (call: Call, args: readonly unknown[]): readonly unknown[] =>
  call === 'record' ? [unpackedBatch(args[0] as PackedBatch)] : args;

/** In the file's thread, after the call. */
export function packedResult(call: Call, result: unknown): Packed {
  if (call === 'unrecorded') return { value: (result as Candidate[]).map(({ due }) => due), give: [] };
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
    const due = value as readonly (readonly number[])[];
    return (args[0] as Candidate[]).map((candidate, i) => ({ ...candidate, due: due[i]! }));
  }
  if (call !== 'contents') return value;
  const contents = value as ReadonlyMap<string, Uint8Array>;
  return new Map([...contents].map(([event, { buffer }]) => [event, Buffer.from(buffer)]));
}

const asked = ({ identity, softIdentity, accountWide, seemsLike, due }: Candidate): Candidate => ({
  ...{ identity, softIdentity, accountWide, due },
  ...(seemsLike !== undefined && { seemsLike }),
});

function packedBatch({ hold, cursors, messages }: RecordBatch): PackedBatch {
  const contents = messages.map(({ content }) => content);
  const bytes = new Uint8Array(contents.reduce((sum, content) => sum + (content?.length ?? 0), 0));
  let offset = 0;
  for (const content of contents) {
    if (!content) continue;
    bytes.set(content, offset);
    offset += content.length;
  }
  return {
    ...{ hold, cursors },
    messages: messages.map(withoutContent),
    sizes: contents.map((content) => content?.length ?? null),
    bytes: bytes.buffer,
  };
}

function unpackedBatch({ hold, cursors, messages, sizes, bytes }: PackedBatch): RecordBatch {
  let offset = 0;
  return {
    ...{ hold, cursors },
    messages: messages.map((message, i) => {
      const size = sizes[i] ?? null;
      if (size === null) return message;
      const content = Buffer.from(bytes, offset, size);
      offset += size;
      return { ...message, content };
    }),
  };
}

const withoutContent = (message: NewMessage): NewMessage => ({
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
  content: null,
  due: message.due,
  ...(message.gone !== undefined && { gone: message.gone }),
});
