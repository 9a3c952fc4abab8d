// What HTML says of its own charset, in a `meta` element or an XML declaration, where the header of the part says nothing that works.
// Invariant: only the beginning is looked at, and what is in comments says nothing.

const LOOKED_AT_BYTES = 8_192;
const MOST_TAG_CHARACTERS = 1_000;
const MOST_TAGS = 100;

export function htmlCharset(bytes: Buffer): string | null {
  const html = withoutComments(bytes.toString('latin1', 0, LOOKED_AT_BYTES));
  const declared = /^\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*["']([^"'>]{1,40})["']/i.exec(html)?.[1];
  if (declared !== undefined) return usable(declared);
  const tags = html.split(/<meta(?=[\s/])/i, MOST_TAGS + 1).slice(1);
  for (const tag of tags) {
    const inside = tag.slice(0, Math.min(MOST_TAG_CHARACTERS, endOf(tag)));
    const charset = /(?:^|[\s"';/])charset\s*=\s*["']?\s*([^\s"'>;/]{1,40})/i.exec(inside)?.[1];
    if (charset !== undefined) return usable(charset);
  }
  return null;
}

function withoutComments(html: string): string {
  const [first = '', ...rest] = html.split('<!--');
  return (
    first + rest.map((piece) => (piece.includes('-->') ? piece.slice(piece.indexOf('-->') + 3) : '')).join('')
  );
}

const endOf = (tag: string): number => (tag.includes('>') ? tag.indexOf('>') : tag.length);

/** What could be read as far as here is not in UTF-16 or UTF-32. */
const usable = (charset: string): string | null =>
  /^(?:utf-?(?:16|32)|ucs-?[24]|unicode)/i.test(charset) ? null : charset;
