// Which parts are the text of a mail: those without a file name, and one with a name if it is all the text there is.
// Invariant: it takes the parts in the order of the mail, however deep they are.
import type { Part } from './part';

/** What the parser shows as text; a report of a delivery is one, too. */
export const isTextType = (type: string): boolean =>
  ['text/plain', 'text/html', 'message/delivery-status'].includes(type);

/** Whether what has a name can do without being the text of the mail. */
export function hasTextBesideNamed(root: Part): boolean {
  let named = 0;
  const parts = [root];
  for (let part = parts.pop(); part; part = parts.pop()) {
    for (const inner of part.parts) parts.push(inner);
    if (part.kind !== 'leaf' || !isText(part) || part.fields.isAttachment) continue;
    if (part.fields.name === '' || isFormOfText([part.parent?.type, part.parent?.parent?.type])) return true;
    if (++named > 1) return true;
  }
  return false;
}

function isText({ type, fields }: Part): boolean {
  if (type !== null) return isTextType(type);
  // Without a type, a name tells.
  return fields.name === '' || /\.(?:txt|text|log|html?)$/i.test(fields.name);
}

/** One of the forms of a text is that text, whatever it is called. @param around the types of what it stands in, from within */
export const isFormOfText = ([parent, next]: readonly (string | null | undefined)[]): boolean =>
  parent === ALTERNATIVE || (parent === 'multipart/related' && next === ALTERNATIVE);

const ALTERNATIVE = 'multipart/alternative';
