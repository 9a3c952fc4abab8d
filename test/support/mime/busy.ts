// Mails that are meant to keep a reader of parts busy: what they make it look at again and again must not grow faster than they do.
import { CRLF, type HostileMail, lines, parts, quotedPrintable, textPart, withBody } from './hostile';

const mixed = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"`;
const bottom = { wholeText: 'the bottom' };
const inText = parts('b', textPart('the bottom'));

export function busyReading(): HostileMail[] {
  const chain = (count: number, level: (index: number) => string): string =>
    Array.from({ length: count }, (_, i) => level(i)).join('');
  const coded = (depth: number): string => {
    let body = inText.toString();
    for (let level = 0; level < depth; level++) {
      const fields = lines(
        mixed(level === 0 ? 'b' : `q${level - 1}`),
        'Content-Transfer-Encoding: quoted-printable',
      );
      body = `--q${level}${CRLF}${fields}${CRLF}${CRLF}${quotedPrintable(body)}${CRLF}--q${level}--${CRLF}`;
    }
    return body;
  };
  return [
    withBody(
      '400,000 lines that may be delimiters',
      [mixed('b')],
      { text: '--x\n--x' },
      parts('b', textPart(`--x${CRLF}`.repeat(400_000))),
    ),
    withBody(
      '100,000 lines in the header that may be delimiters',
      [mixed('b'), '--x\r\n'.repeat(100_000).trimEnd()],
      bottom,
      inText,
    ),
    withBody(
      '100,000 brackets',
      [`Content-Type: multipart/mixed; boundary=b; x=${'('.repeat(100_000)}`],
      bottom,
      inText,
    ),
    withBody(
      '100,000 comments',
      [`Content-Type: multipart/mixed; boundary=b ${'(a)'.repeat(100_000)}`],
      bottom,
      inText,
    ),
    withBody('10,000 types', [...Array<string>(10_000).fill(mixed('a')), mixed('b')], bottom, inText),
    withBody(
      'the same boundary 5,000 deep',
      [mixed('b')],
      bottom,
      chain(5_000, () => lines('--b', mixed('b'), '', '')),
      lines('--b', '', 'the bottom', '--b--'),
    ),
    withBody(
      'other boundaries, 10,000 deep',
      [mixed('x')],
      { missing: /parts of its own/ },
      chain(10_000, (i) => lines(`--b${i}`, mixed('x'), '', '')),
      'the bottom',
    ),
    withBody(
      'messages 5,000 deep',
      ['Content-Type: message/rfc822', 'Content-Disposition: inline'],
      bottom,
      chain(5_000, () => lines('Content-Type: message/rfc822', 'Content-Disposition: inline', '', '')),
      lines('Subject: s', '', 'the bottom'),
    ),
    withBody('coded 5 times, one within the other', [mixed('q4')], bottom, coded(5)),
    withBody(
      'coded 30 times, one within the other',
      [mixed('q29')],
      { missing: /parts of its own/ },
      coded(30),
    ),
  ];
}
