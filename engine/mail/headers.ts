// The header fields of a mail, read straight from its bytes (RFC 5322, 2.2): unfolded, not decoded.
// It needs no library and cannot fail, so it also serves mails that the parser gives up on.

/** Values by lower-case field name, in the order of the mail. */
export type MailHeaders = ReadonlyMap<string, readonly string[]>;

/** The header block: everything before the first empty line. */
export function headerBlock(raw: Buffer): Buffer {
  let end = raw.length;
  for (const blank of ['\r\n\r\n', '\n\n']) {
    const at = raw.indexOf(blank, 0, 'latin1');
    if (at >= 0 && at < end) end = at;
  }
  return raw.subarray(0, end);
}

export function readHeaders(block: Buffer): MailHeaders {
  const headers = new Map<string, string[]>();
  let current: { name: string; value: string } | undefined;
  const keep = (): void => {
    if (!current) return;
    const values = headers.get(current.name) ?? [];
    values.push(current.value.trim());
    headers.set(current.name, values);
  };
  for (const line of block.toString('utf8').split(/\r\n|\n|\r/)) {
    if (/^[ \t]/.test(line)) {
      if (current) current.value += ` ${line.trim()}`;
      continue;
    }
    keep();
    const colon = line.indexOf(':');
    current =
      colon > 0
        ? { name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1) }
        : undefined;
  }
  keep();
  return headers;
}
