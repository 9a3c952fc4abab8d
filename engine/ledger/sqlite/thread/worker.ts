// The other side of thread.ts: what runs in the thread of a SQLite file. It opens the file, does what it is asked in the
// order in which it is asked, and answers.
// Invariants: one file at a time, closed only when all that was asked has been answered; what is asked begins in its order,
// short calls that came meanwhile together, and each is answered when it is stored. A long list is sent in pieces, each when
// the one before was taken: n8n's thread has its turn between them.
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { Log } from '../../../runtime/log';
import type { Call } from '../../common/parts';
import type { Instance } from '../../ownership';
import { type OpenedHere, openHere, openToRead } from '../here';
import { isShort, type ShortCall } from '../ledger-here';
import { failureOf, type FromThread, type Opening, type Question, type ToThread } from './border';
import { Linger } from './linger';
import { letGoOfArguments, packedResult, unpackedArguments } from './packing';

/** What n8n's thread takes up in less than a millisecond. */
const PIECE = 200;
/** What is done together: the first of them is not answered before the last. */
const MOST_TOGETHER = 32;

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
/** What came while something was begun that may not be overtaken. */
const behind: ToThread[] = [];
let isTaking = false;

type ShortMessage = ToThread & { readonly kind: 'call'; readonly call: ShortCall };

const isShortMessage = (message: ToThread): message is ShortMessage =>
  message.kind === 'call' && isShort(message.call);

function take(message: ToThread): void {
  behind.push(message);
  if (!isTaking) void takeAll();
}

async function takeAll(): Promise<void> {
  isTaking = true;
  while (behind.length > 0) {
    const short = takeShort();
    if (short.length > 1 || (short.length > 0 && behind.length > 0)) await answerTogether(short);
    else begin(short[0] ?? behind.shift()!);
    if (behind.length > 0) await turn();
  }
  isTaking = false;
}

/** The short calls that are next: also what has come, and was not told yet. */
function takeShort(): ShortMessage[] {
  const short: ShortMessage[] = [];
  while (short.length < MOST_TOGETHER) {
    const came =
      behind.length === 0 && (receiveMessageOnPort(port) as { readonly message: ToThread } | undefined);
    if (came) behind.push(came.message);
    const [next] = behind;
    if (!next || !isShortMessage(next)) break;
    short.push(next);
    behind.shift();
  }
  return short;
}

/** Until what was begun is under way. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function begin(message: ToThread): void {
  if (message.kind === 'next') sendPiece(message.id);
  else if (message.kind === 'gone') tell(message.id, message.isGone);
  else void answer(message.id, message);
}

async function answerTogether(messages: readonly ShortMessage[]): Promise<void> {
  const answers = (await open?.ledger.together(messages)) ?? null;
  if (answers) {
    answers.forEach((answer, place) => {
      const { id, call } = messages[place]!;
      try {
        sendResult(id, call, answer);
      } catch (error) {
        fail(id, error);
      }
    });
    behind.unshift(...messages.slice(answers.length));
    if (underWay.size === 0 && behind.length === 0) linger.answered(messages.at(-1)!.call);
    return;
  }
  for (const message of messages) {
    begin(message);
    await turn();
  }
}

async function answer(id: number, question: Question): Promise<void> {
  const answering = result(id, question).catch((error: unknown) => fail(id, error));
  if (question.kind !== 'call') return answering;
  underWay.add(answering);
  await answering;
  underWay.delete(answering);
  if (underWay.size === 0 && behind.length === 0) linger.answered(question.call);
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
  sendResult(id, call, await ledger[name]!(...given).finally(() => letGoOfArguments(call, args)));
}

function sendResult(id: number, call: Call, answer: unknown): void {
  const { value, give } = packedResult(call, answer);
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

const fail = (id: number, error: unknown): void => send({ kind: 'failed', id, failure: failureOf(error) });

const send = (message: FromThread, give: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, give);
