// The other side of thread.ts: what runs in the thread of a SQLite file. It opens the file, does what it is asked in the
// order in which it is asked, and answers.
// Invariant: one file at a time, closed only when all that was asked has been answered. A long list is sent in pieces,
// each when the one before was taken: n8n's thread has its turn between them.
import { parentPort } from 'node:worker_threads';
import type { Log } from '../../../runtime/log';
import type { Instance } from '../../ownership';
import { type OpenedHere, openHere, openToRead } from '../here';
import { failureOf, type FromThread, type Opening, type Question, type ToThread } from './border';
import { Linger } from './linger';
import { letGoOfArguments, packedResult, unpackedArguments } from './packing';

/** What n8n's thread takes up in less than a millisecond. */
const PIECE = 200;

type Method = (...args: readonly unknown[]) => Promise<unknown>;

const port = parentPort!;
let open: OpenedHere | null = null;
const underWay = new Set<Promise<void>>();
/** What of long answers was not sent yet, by the question's id. */
const rests = new Map<number, readonly unknown[]>();
/** Who waits to hear whether a process is gone, by the question's id: several may ask of one process at once. */
const askers = new Map<number, (isGone: boolean) => void>();
let asked = 0;

const linger = new Linger<ToThread>(port, take);

function take(message: ToThread): void {
  if (message.kind === 'next') sendPiece(message.id);
  else if (message.kind === 'gone') tell(message.id, message.isGone);
  else void answer(message.id, message);
}

async function answer(id: number, question: Question): Promise<void> {
  const answering = result(id, question).catch((error: unknown) =>
    send({ kind: 'failed', id, failure: failureOf(error) }),
  );
  if (question.kind !== 'call') return answering;
  underWay.add(answering);
  await answering;
  underWay.delete(answering);
  if (underWay.size === 0) linger.answered(question.call);
}

async function result(id: number, question: Question): Promise<void> {
  if (question.kind === 'open') {
    open = await opened(question.opening);
    send({ kind: 'done', id, value: { place: open.ledger.place, opened: open.opened } });
    return;
  }
  if (question.kind === 'close') {
    await Promise.all(underWay);
    const closing = open;
    open = null;
    await closing?.ledger.close();
    send({ kind: 'done', id, value: undefined });
    return;
  }
  const { call, args } = question;
  const ledger = open!.ledger as unknown as Readonly<Record<string, Method>>;
  const given = unpackedArguments(call, args);
  const name = call === 'unrecorded' ? 'unrecordedOf' : call;
  const answered = await ledger[name]!(...given).finally(() => letGoOfArguments(call, args));
  const { value, give } = packedResult(call, answered);
  if (!Array.isArray(value) || value.length <= PIECE) {
    send({ kind: 'done', id, value }, give);
    return;
  }
  rests.set(id, value);
  sendPiece(id);
}

function sendPiece(id: number): void {
  const rest = rests.get(id)!;
  const last = rest.length <= PIECE;
  if (last) rests.delete(id);
  else rests.set(id, rest.slice(PIECE));
  send({ kind: 'piece', id, items: rest.slice(0, PIECE), last });
}

function opened({ file, role, instance, same }: Opening): Promise<OpenedHere> {
  if (role === 'reader') return openToRead(file, same!);
  const ignore = (): void => undefined;
  const log: Log = {
    ...{ debug: ignore, info: ignore, error: ignore },
    warn: (message, fields) => send({ kind: 'warn', message, fields }),
  };
  return openHere(file, instance ? { ...instance, isGone } : null, log, same);
}

/** n8n's process knows. */
const isGone: Instance['isGone'] = (home) =>
  new Promise((resolve) => {
    const id = ++asked;
    askers.set(id, resolve);
    send({ kind: 'isGone', id, home });
  });

function tell(id: number, isGone: boolean): void {
  askers.get(id)?.(isGone);
  askers.delete(id);
}

const send = (message: FromThread, give: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, give);
