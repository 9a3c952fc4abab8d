// JSON that a person wrote by hand, read as a list; what is wrong with it is said in words, with the place.
// (JSON.parse leaves the place out of some of its messages.)

const TOKEN = /\s*([[\],]|"(?:[^"\\\n\r]|\\.)*"|-?\d[\d.eE+-]*|true\b|false\b|null\b)/y;

/** @throws Error that says what is wrong with the text, and where */
export function listFromJson(json: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`This is no JSON: ${whatIsWrong(json)}.`, { cause: error });
  }
  if (Array.isArray(value)) return value as unknown[];
  throw new Error(`This is no list of rules. Write it in square brackets: ["UNSEEN"].`);
}

function whatIsWrong(json: string): string {
  const open: number[] = [];
  /** Whether something stands before, that a comma must part from what follows. */
  let full = false;
  let afterComma = false;
  let at = 0;
  const say = (what: string): string =>
    `${what}, at character ${at + 1} (${json.slice(at, at + 12)}${json.length > at + 12 ? '…' : ''})`;
  for (;;) {
    at += /^\s*/.exec(json.slice(at))![0].length;
    if (at >= json.length) break;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(json)?.[1];
    if (token === undefined) return say(strayText(json[at]!));
    if (token === ',') {
      if (!full || open.length === 0) return say('there is a comma too many');
    } else if (token === ']') {
      if (open.length === 0) return say('there is a closing bracket too many');
      if (afterComma) return say('nothing follows the comma before the closing bracket');
      open.pop();
    } else if (full) {
      return say(open.length === 0 ? 'something follows the list' : 'a comma is missing');
    } else if (token === '[') open.push(at);
    full = token !== ',' && token !== '[';
    afterComma = token === ',';
    at += token.length;
  }
  if (open.length === 0) return 'there is nothing in it';
  at = open.at(-1)!;
  return say('a bracket is not closed');
}

function strayText(first: string): string {
  if (first === '"') return 'a text has no closing quotation mark';
  if (/['‘’“”„«»]/.test(first)) return 'texts stand in straight double quotes';
  if (first === '{') return 'rules are lists, in square brackets';
  return 'names and texts stand in double quotes';
}
