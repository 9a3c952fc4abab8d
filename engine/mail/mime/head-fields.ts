// The fields that tell what a part is, read straight from its header block: nothing else in it matters here.
// Invariant: bytes stay what they are (latin1), so that a boundary is what stands between the parts, byte for byte.
import { ContentFields } from './content-fields';

const NAME = /^content-(?:type|disposition|transfer-encoding)(?=[ \t]*:)/i;
const MOST_NAME_CHARACTERS = 40;

export function headFields(head: string): ContentFields {
  const values = new Map<string, string[]>();
  let current: string[] | undefined;
  for (let at = 0; at < head.length;) {
    const found = head.indexOf('\n', at);
    const end = found < 0 ? head.length : found;
    const first = head[at];
    if (first === ' ' || first === '\t') current?.push(`${current.pop()!} ${head.slice(at, end).trim()}`);
    else current = first === 'C' || first === 'c' ? valuesAt(head, at, end, values) : undefined;
    at = end + 1;
  }
  return new ContentFields((name) => values.get(name) ?? []);
}

function valuesAt(
  head: string,
  from: number,
  to: number,
  values: Map<string, string[]>,
): string[] | undefined {
  const name = NAME.exec(head.slice(from, Math.min(to, from + MOST_NAME_CHARACTERS)))?.[0].toLowerCase();
  if (name === undefined) return undefined;
  const all = values.get(name) ?? [];
  all.push(head.slice(head.indexOf(':', from) + 1, to).trim());
  values.set(name, all);
  return all;
}
