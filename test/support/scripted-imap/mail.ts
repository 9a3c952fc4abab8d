// The mails of a scripted server, and what it tells of them by the book.

export interface StoredMail {
  readonly uid: number;
  readonly raw: Buffer;
  /** INTERNALDATE. */
  readonly date: string;
  /** RFC822.SIZE, where it is not the mail's. */
  readonly size?: number;
  readonly emailId?: string;
}

/** A mail that is like no other. */
export function scriptedMail(
  uid: number,
  more: Partial<StoredMail> & { readonly text?: string } = {},
): StoredMail {
  const { text = `text of ${uid}`, ...rest } = more;
  const raw =
    `From: Ann <ann@example.com>\r\nTo: bob@example.com\r\nSubject: mail ${uid}\r\n` +
    `Date: Fri, 27 Nov 2026 10:00:00 +0000\r\nMessage-ID: <${uid}@example.com>\r\n\r\n${text}\r\n`;
  return { uid, raw: Buffer.from(raw), date: today(), ...rest };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As IMAP writes a time (RFC 3501, 9: date-time). */
export function imapDate(time: Date): string {
  const [, day, time24] = /-(\d\d)T([\d:]+)/.exec(time.toISOString())!;
  return `${day}-${MONTHS[time.getUTCMonth()]}-${time.getUTCFullYear()} ${time24} +0000`;
}

const today = (): string => imapDate(new Date());

/** The mails that a sequence set names, with their sequence numbers. */
export function inSet(
  mails: readonly StoredMail[],
  set: string,
  by: 'uid' | 'seq',
): (readonly [number, StoredMail])[] {
  const all = mails.map((mail, index) => [index + 1, mail] as const);
  const numberOf = ([seq, { uid }]: readonly [number, StoredMail]): number => (by === 'uid' ? uid : seq);
  const last = Math.max(0, ...all.map(numberOf));
  const ranges = set.split(',').map((range) => {
    const [from = 0, to = from] = range.split(':').map((end) => (end === '*' ? last : Number(end)));
    return [Math.min(from, to), Math.max(from, to)] as const;
  });
  return all.filter((one) => ranges.some(([from, to]) => numberOf(one) >= from && numberOf(one) <= to));
}

/** Each data item of a FETCH, and what it is answered with. */
export function answersTo(items: string, mail: StoredMail): [name: string, value: Buffer][] {
  const wanted = items.matchAll(/BODY(?:\.PEEK)?\[([^\]]*)\](?:<(\d+)\.(\d+)>)?|[A-Z][A-Z0-9.-]*/gi);
  return [...wanted].map(([item, section, start, length]): [string, Buffer] => {
    if (section === undefined) return [item.toUpperCase(), Buffer.from(valueOf(item.toUpperCase(), mail))];
    const whole = sectionOf(section, mail.raw);
    if (start === undefined) return [`BODY[${section}]`, literal(whole)];
    return [
      `BODY[${section}]<${start}>`,
      literal(whole.subarray(Number(start), Number(start) + Number(length))),
    ];
  });
}

/** One answer to a FETCH. */
export const fetchAnswer = (seq: number, answers: readonly (readonly [string, Buffer])[]): Buffer =>
  Buffer.concat([
    Buffer.from(`* ${seq} FETCH (`),
    ...answers.flatMap(([name, value], index) => [Buffer.from(`${index === 0 ? '' : ' '}${name} `), value]),
    Buffer.from(')\r\n'),
  ]);

export const literal = (octets: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`{${octets.length}}\r\n`), octets]);

function valueOf(item: string, { uid, raw, date, size, emailId }: StoredMail): string {
  if (item === 'UID') return String(uid);
  if (item === 'FLAGS') return '()';
  if (item === 'INTERNALDATE') return date === 'NIL' ? 'NIL' : `"${date}"`;
  if (item === 'RFC822.SIZE') return String(size ?? raw.length);
  if (item === 'BODYSTRUCTURE') return '("text" "plain" NIL NIL NIL "7bit" 10 1 NIL NIL NIL NIL)';
  if (item === 'X-GM-MSGID') return emailId ?? String(1_000_000 + uid);
  if (item === 'EMAILID') return `(${emailId ?? `M${uid}`})`;
  throw new Error(`The scripted server does not know the data item ${item}`);
}

function sectionOf(section: string, raw: Buffer): Buffer {
  if (section === '') return raw;
  const header = raw.subarray(0, raw.indexOf('\r\n\r\n') + 4);
  const fields = /^HEADER\.FIELDS \((.*)\)$/i.exec(section);
  if (!fields) return header;
  const names = fields[1]!.toLowerCase().split(' ');
  const lines = header.toString('latin1').trimEnd().split('\r\n');
  const kept = lines.filter((line) => names.includes(line.split(':')[0]!.toLowerCase()));
  return Buffer.from([...kept, '', ''].join('\r\n'), 'latin1');
}
