// Charsets of seven bits that switch between ASCII and characters of two bytes, which neither the parser's decoders (iconv-lite 0.7)
// nor Node's know: ISO-2022-KR (RFC 1557) and HZ-GB-2312 (RFC 1843). Taken back to the charset of eight bits that they
// were made of, Node decodes them.
// Invariant: bytes that switch nothing come out as they are.

/** The text; null where the charset is neither of them. */
export function decodeEscapeSwitched(bytes: Buffer, charset: string): string | null {
  const name = charset.toLowerCase().replace(/[^a-z0-9]+/g, '');
  if (/^(?:cs)?iso2022kr$/.test(name)) return new TextDecoder('euc-kr').decode(fromIso2022Kr(bytes));
  return /^hz(?:gb2312)?$/.test(name) ? new TextDecoder('gbk').decode(fromHz(bytes)) : null;
}

const [LF, SHIFT_OUT, SHIFT_IN, ESCAPE, TILDE, OPEN, CLOSE] = [0x0a, 0x0e, 0x0f, 0x1b, 0x7e, 0x7b, 0x7d];
const DESIGNATION = Buffer.from('\x1b$)C', 'latin1');

function fromIso2022Kr(bytes: Buffer): Buffer {
  const eight = Buffer.alloc(bytes.length);
  let length = 0;
  let isKorean = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === SHIFT_OUT || byte === SHIFT_IN) isKorean = byte === SHIFT_OUT;
    else if (byte === ESCAPE && isDesignation(bytes, at)) at += DESIGNATION.length - 1;
    else {
      // Each line begins in ASCII.
      if (byte === LF) isKorean = false;
      eight[length++] = isKorean ? withHighBit(byte) : byte;
    }
  }
  return eight.subarray(0, length);
}

const isDesignation = (bytes: Buffer, at: number): boolean =>
  bytes.subarray(at, at + DESIGNATION.length).equals(DESIGNATION);

function fromHz(bytes: Buffer): Buffer {
  const eight = Buffer.alloc(bytes.length);
  let length = 0;
  let isChinese = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    const next = bytes[at + 1];
    if (byte === TILDE && next === (isChinese ? CLOSE : OPEN)) {
      isChinese = !isChinese;
      at++;
    } else if (byte === TILDE && !isChinese && next === TILDE) {
      eight[length++] = TILDE;
      at++;
    } else if (byte === TILDE && !isChinese && next === LF) {
      // A line that goes on.
      at++;
    } else {
      if (byte === LF) isChinese = false;
      eight[length++] = isChinese ? withHighBit(byte) : byte;
    }
  }
  return eight.subarray(0, length);
}

const withHighBit = (byte: number): number => (byte > 0x20 && byte < 0x7f ? byte | 0x80 : byte);
