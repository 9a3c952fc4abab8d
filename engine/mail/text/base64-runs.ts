// Text in base64 that has other text around it: a mailing list adds a footer to a mail without looking how it is coded. Lines of
// code are decoded, the others are text as they are.
// Invariant: what is all code, also with garbage in it (RFC 2045, 6.8), is decoded as one.
import { decodeBase64 } from '../mime/transfer-encoding';

export interface Run {
  readonly bytes: Buffer;
  readonly wasCoded: boolean;
}

interface Line {
  readonly text: string;
  readonly kind: 'code' | 'blank' | 'other';
}

const CODE = /^[A-Za-z0-9+/]+={0,2}$/;
/** No word is as long as a line of code. */
const LEAST_LINE = 40;

/** @param isText whether bytes may be a text in the charset of the part */
export function base64Runs(body: string, isText: (bytes: Buffer) => boolean): Run[] {
  const whole = { bytes: decodeBase64(body), wasCoded: true };
  if (!/[^A-Za-z0-9+/=\r\n]/.test(body)) return [whole];
  const lines = body.split(/\r?\n/).map(readLine);
  const groups = grouped(lines);
  const decoded = groups.map((group, index) => decodedRun(group, index === 0, isText));
  if (decoded[0] === null || decoded.length === 1) {
    if (isText(whole.bytes)) return [whole];
    if (decoded.every((run) => run === null)) return [asItIs(lines, false)];
  }
  return groups.map((group, index) => decoded[index] ?? asItIs(group, index < groups.length - 1));
}

function readLine(written: string): Line {
  const text = written.trim();
  return { text: written, kind: text === '' ? 'blank' : CODE.test(text) ? 'code' : 'other' };
}

/** Lines that belong together; blank ones go with what is before them, but with what is behind code. */
function grouped(lines: readonly Line[]): Line[][] {
  const groups: Line[][] = [];
  let kind: Line['kind'] = 'blank';
  for (const [index, line] of lines.entries()) {
    const is = isDamaged(lines, index) ? 'code' : line.kind;
    if (groups.length === 0 || (is !== 'blank' && kind !== 'blank' && is !== kind)) {
      const blanks = kind === 'code' ? takeBlanks(groups.at(-1)!) : [];
      groups.push([...blanks, line]);
    } else groups.at(-1)!.push(line);
    if (is !== 'blank') kind = is;
  }
  return groups;
}

/** Between lines of code, what is nearly code is some, damaged. */
function isDamaged(lines: readonly Line[], index: number): boolean {
  const { text, kind } = lines[index]!;
  if (kind !== 'other' || text.length < LEAST_LINE || /\s/.test(text.trim())) return false;
  const isLong = (line: Line | undefined): boolean => line?.kind === 'code' && line.text.length >= LEAST_LINE;
  return isLong(lines[index - 1]) && lines[index + 1]?.kind === 'code';
}

function takeBlanks(group: Line[]): Line[] {
  const last = group.findLastIndex(({ kind }) => kind !== 'blank');
  return group.splice(last + 1);
}

function decodedRun(
  group: readonly Line[],
  isFirst: boolean,
  isText: (bytes: Buffer) => boolean,
): Run | null {
  const code = group.filter(({ kind }) => kind !== 'blank');
  if (code.length === 0 || code[0]!.kind === 'other') return null;
  const bytes = decodeBase64(code.map(({ text }) => text).join(''));
  // A word in a line of its own looks like code, too.
  const isCode = code.some(({ text }) => text.length >= LEAST_LINE || text.trim().endsWith('='));
  return isCode || (isFirst && isText(bytes)) ? { bytes, wasCoded: true } : null;
}

const asItIs = (lines: readonly Line[], goesOn: boolean): Run => ({
  bytes: Buffer.from(`${lines.map(({ text }) => text).join('\r\n')}${goesOn ? '\r\n' : ''}`, 'latin1'),
  wasCoded: false,
});
