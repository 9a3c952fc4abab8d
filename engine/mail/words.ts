// Header values with encoded words (RFC 2047) turned into text. The only file that imports libmime, and only once
// there is a mail: every process of n8n loads every node file.

/** Values by lower-case name, unfolded and decoded, in the mail's order. */
export async function decodeHeaders(block: Buffer): Promise<ReadonlyMap<string, readonly string[]>> {
  const { default: libmime } = await import('libmime');
  const fields = Object.entries(libmime.decodeHeaders(block.toString('utf8')));
  return new Map(
    fields
      .filter(([name]) => name !== '')
      .map(([name, values]) => [name, values.map((value) => libmime.decodeWords(value))]),
  );
}

/** One value; as it is where it cannot be decoded. */
export async function decodeWords(value: string): Promise<string> {
  const { default: libmime } = await import('libmime');
  try {
    return libmime.decodeWords(value);
  } catch {
    return value;
  }
}
