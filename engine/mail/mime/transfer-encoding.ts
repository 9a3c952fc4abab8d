// Bodies of multiparts that are coded (base64, quoted-printable), which RFC 2045, 6.4, forbids and some senders do anyway.
// Invariant: whatever is no code is passed over, as RFC 2045, 6.7 and 6.8, wants it.

export function decodeBody(body: Buffer, encoding: string): Buffer | null {
  if (encoding === 'base64') return decodeBase64(body.toString('latin1'));
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(body) : null;
}

/** Pieces that are padded each by itself are all decoded. */
export function decodeBase64(text: string): Buffer {
  const padding = text.indexOf('=');
  if (padding < 0 || !/[A-Za-z0-9+/]/.test(text.slice(padding))) return Buffer.from(text, 'base64');
  return Buffer.concat(text.split(/=+/).map((piece) => Buffer.from(piece, 'base64')));
}

const [EQUALS, LF, CR, SPACE, TAB] = [0x3d, 0x0a, 0x0d, 0x20, 0x09];

function decodeQuotedPrintable(body: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(body.length);
  let length = 0;
  for (let at = 0; at < body.length; at++) {
    if (body[at] !== EQUALS) {
      decoded[length++] = body[at]!;
      continue;
    }
    const digits = body.toString('latin1', at + 1, at + 3);
    if (/^[0-9a-f]{2}$/i.test(digits)) {
      decoded[length++] = parseInt(digits, 16);
      at += 2;
      continue;
    }
    const end = endOfSoftBreak(body, at + 1);
    if (end < 0) decoded[length++] = EQUALS;
    else at = end;
  }
  return decoded.subarray(0, length);
}

/** The last byte of a line end that stands there, with blanks before it; -1: there is none. */
function endOfSoftBreak(body: Buffer, from: number): number {
  let at = from;
  while (at < from + MOST_BLANKS && (body[at] === SPACE || body[at] === TAB)) at++;
  if (body[at] === CR && body[at + 1] === LF) return at + 1;
  return body[at] === LF ? at : -1;
}

const MOST_BLANKS = 100;
