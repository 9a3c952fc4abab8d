// The text of a configuration as a value, and in which line what stands: YAML, of which JSON is a part. The one file that imports yaml.
// Invariants: what is wrong is said without what stands there, which may be a secret; no text makes the reader run away.
import type { Document, LineCounter } from 'yaml';
import { Mistake } from '../command';

/** Nobody writes a longer one; a table is for many accounts. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

export interface ConfigDocument {
  readonly value: unknown;
  /** From 1; of the nearest that is there. Null: nothing is. */
  lineOf(path: readonly PropertyKey[]): number | null;
}

/** By the library's codes; its own words may quote the text. */
const FAULTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab is used to indent; use spaces',
  BAD_INDENT: 'the indentation does not fit what is above',
  DUPLICATE_KEY: 'a key is there twice',
  MISSING_CHAR: 'a sign is missing, such as a quote or a bracket, or the space behind a colon',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines: is a colon or a quote missing?',
  BLOCK_AS_IMPLICIT_KEY:
    'what is indented here belongs to no key: is a colon missing, or a quote around a text with a colon?',
  BAD_ALIAS: 'a text begins with * or &: put it in quotes',
  UNEXPECTED_TOKEN: 'there is something that does not belong here',
  TAG_RESOLVE_FAILED: 'a text begins with !: put it in quotes',
  MULTIPLE_DOCS: 'a second document begins (---); there is to be one',
};

/** @param file for people @throws Mistake */
export async function readDocument(text: string, file: string): Promise<ConfigDocument> {
  if (text.length > MOST_CHARACTERS) throw new Mistake(`${file} is too long for a configuration.`);
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'silent',
  });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new Mistake(
      `${file}, line ${line}, column ${col}: ${FAULTS[fault.code] ?? 'this is neither YAML nor JSON'}.`,
    );
  }
  return { value: valueOf(document, file), lineOf: (path) => lineOf(document, lines, path) };
}

function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new Mistake(
      `${file}: a text begins with * or & that is not in quotes, or too much is repeated by aliases.`,
    );
  }
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | null {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as
      { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return null;
}
