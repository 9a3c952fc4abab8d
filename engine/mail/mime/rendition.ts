// A mail written anew for the parser, as RFC 2046 has it: the same parts, between boundaries that are in none of them. Headers and
// bodies of leaves stay as they are.
// Invariant: nothing of the bodies is changed, and no part is too deep for the parser.
import { randomUUID } from 'node:crypto';
import { MOST_PARSED_DEEP, type Part } from './part';

const END = '\r\n';

interface Task {
  readonly part: Part;
  /** Of the multipart that it is written into. */
  readonly boundary: string;
  /** How many multiparts are written around it. */
  readonly depth: number;
  /** It stands in the file of a message. */
  readonly isInFile: boolean;
}

export interface Rendition {
  /** In front of the fields of the mail: of several, the parser takes the first. */
  readonly fields: readonly string[];
  readonly body: Iterable<Buffer>;
}

/** @param messagesAreFiles a message that is shown within the mail is a file, too */
export function rendition(root: Part, messagesAreFiles: boolean): Rendition {
  if (root.kind === 'leaf') return { fields: [`Content-Type: ${root.typeField!}`], body: [root.source] };
  const boundary = newBoundary();
  const type = root.kind === 'multipart' ? root.type! : 'multipart/mixed';
  return {
    fields: [typeLine(type, boundary), 'Content-Disposition: ', 'Content-Transfer-Encoding: '],
    // It may be read more than once.
    body: { [Symbol.iterator]: () => bodyOf(root, boundary, messagesAreFiles) },
  };
}

function* bodyOf(root: Part, boundary: string, messagesAreFiles: boolean): Generator<Buffer> {
  const begin: Task = { part: root, boundary, depth: 1, isInFile: false };
  const tasks: (Task | string)[] = root.kind === 'multipart' ? within(begin) : [begin];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    if (typeof task === 'string') {
      yield Buffer.from(task);
    } else if (task.part.kind === 'multipart') {
      if (task.part.parts.length === 0) continue;
      // Those below are written as parts of the one above: what they hold is in the mail all the same.
      const isFlat = task.depth >= MOST_PARSED_DEEP;
      const inner = isFlat ? task : { ...task, boundary: newBoundary(), depth: task.depth + 1 };
      if (!isFlat) {
        yield Buffer.from(`${delimiter(task)}${typeLine(task.part.type!, inner.boundary)}${END}${END}`);
        tasks.push(closing(inner));
      }
      for (const one of within(inner)) tasks.push(one);
    } else {
      const isFile = task.part.kind === 'leaf' || (messagesAreFiles && !task.isInFile);
      if (isFile) yield* leaf(task);
      for (const one of within({ ...task, isInFile: task.isInFile || isFile })) tasks.push(one);
    }
  }
  yield Buffer.from(closing(begin));
}

/** What it holds, the last first. */
const within = (task: Task): Task[] => task.part.parts.map((part) => ({ ...task, part })).reverse();

function* leaf(task: Task): Generator<Buffer> {
  const { source, head, body, typeField, parent } = task.part;
  yield Buffer.from(delimiter(task));
  if (typeField !== null) yield Buffer.from(`Content-Type: ${typeField}${END}`);
  // The header of the mail is none of this file's.
  if (parent === null)
    yield Buffer.from(`Content-Type: message/rfc822${END}Content-Disposition: inline${END}`);
  const fields = source.subarray(head.from, head.to);
  yield fields;
  yield Buffer.from(fields.length > 0 && fields.at(-1) !== LF ? END + END : END);
  yield source.subarray(body.from, body.to);
}

const LF = 0x0a;
const typeLine = (type: string, boundary: string): string => `Content-Type: ${type}; boundary="${boundary}"`;
const delimiter = ({ boundary }: Task): string => `${END}--${boundary}${END}`;
const closing = ({ boundary }: Task): string => `${END}--${boundary}--${END}`;
/** No mail has it that was sent before. */
const newBoundary = (): string => `=_${randomUUID()}`;
