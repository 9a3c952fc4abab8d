// Mails of parts within parts, and the ways in which the same mail can be written: as RFC 2045 and 2046 allow, and as senders
// do against them where it is clear what they mean.
import fc from 'fast-check';
import { base64Lines, bytes, CRLF, lines, noise, quotedPrintable } from './hostile';

interface Leaf {
  readonly kind: 'text' | 'file';
  readonly number: number;
  readonly encoding: '7bit' | 'base64' | 'quoted-printable';
}

interface Multipart {
  readonly kind: 'multipart';
  readonly type: string;
  readonly parts: readonly Tree[];
}

export type Tree = Leaf | Multipart;

/** How one multipart is written; the first of each is how it is written as a rule. */
export interface Manner {
  readonly padding: string;
  readonly type: (type: string) => string;
  readonly boundary: (boundary: string) => string;
  readonly encoding: 'none' | 'base64' | 'quoted-printable';
  readonly isUnderHeader: boolean;
  readonly before: string;
  readonly behind: string;
}

export const PLAINLY: Manner = {
  padding: '',
  type: (type) => `Content-Type: ${type};`,
  boundary: (boundary) => ` boundary="${boundary}"`,
  encoding: 'none',
  isUnderHeader: false,
  before: '',
  behind: '',
};

const type = fc.constantFrom(
  'multipart/mixed',
  'multipart/related',
  'multipart/x-unknown',
  'multipart/report',
);
const leaf: fc.Arbitrary<Leaf> = fc.record({
  kind: fc.constantFrom('text', 'file'),
  number: fc.nat(1_000),
  encoding: fc.constantFrom('7bit', 'base64', 'quoted-printable'),
});

export const trees: fc.Arbitrary<Multipart> = fc.letrec<{ multipart: Multipart; tree: Tree }>((tie) => ({
  multipart: fc.record({
    kind: fc.constant('multipart'),
    type,
    parts: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
  }),
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('multipart')),
})).multipart;

export const manners: fc.Arbitrary<Manner> = fc.record({
  padding: fc.constantFrom('', ' ', '\t', ' \t  '),
  type: fc.constantFrom<Manner['type'][]>(
    PLAINLY.type,
    (name) => `content-type:${name.toUpperCase()} ;`,
    (name) => `CONTENT-TYPE: ${name} (a comment (within) \\) it);`,
    (name) => `Content-Type: (first) ${name.replace('/', ' / ')};${CRLF}\t`,
    (name) => `Content-Type: ${name}; charset="x;y";`,
    (name) => `Content-Type: multipart/mixed; boundary="none of it"${CRLF}Content-Type: ${name};`,
  ),
  boundary: fc.constantFrom<Manner['boundary'][]>(
    PLAINLY.boundary,
    (boundary) => `boundary=${boundary}`,
    (boundary) => `${CRLF} BOUNDARY = "${boundary}" (the boundary)`,
    (boundary) => ` boundary*=us-ascii'en'${boundary.replace('=', '%3D')}`,
    (boundary) => ` boundary*0="${boundary.slice(0, 2)}";${CRLF}\tboundary*1="${boundary.slice(2)}"`,
    () => ' boundary="another"',
    () => ' x=y',
  ),
  encoding: fc.constantFrom('none', 'none', 'none', 'base64', 'quoted-printable'),
  isUnderHeader: fc.constantFrom(false, false, true),
  before: fc.constantFrom('', `a text before${CRLF}`),
  behind: fc.constantFrom('', `a text behind${CRLF}`),
});

/** The header, and the body. @param mannerOf how the next multipart is written */
export function writeTree(tree: Tree, mannerOf: () => Manner, path = '=_0'): Buffer {
  if (tree.kind !== 'multipart') return writeLeaf(tree);
  const manner = mannerOf();
  const parts = tree.parts.map((part, index) => writeTree(part, mannerOf, `${path}.${index}`));
  const delimiter = `--${path}${manner.padding}${CRLF}`;
  const body = bytes(
    manner.before,
    ...parts.flatMap((part) => [delimiter, part, CRLF]),
    `--${path}--${manner.padding}${CRLF}`,
    manner.behind,
  );
  const field = `${manner.type(tree.type)}${manner.boundary(path)}`;
  if (manner.encoding !== 'none') {
    const coded = manner.encoding === 'base64' ? base64Lines(body) : quotedPrintable(body.toString('latin1'));
    return bytes(lines(field, `Content-Transfer-Encoding: ${manner.encoding}`, '', ''), coded);
  }
  const isUnder = manner.isUnderHeader && manner.before === '';
  return bytes(lines(field, isUnder ? '' : CRLF), body);
}

function writeLeaf({ kind, number, encoding }: Leaf): Buffer {
  const content = kind === 'text' ? Buffer.from(`text number ${number}, a=3D`) : noise(number);
  const written = kind === 'file' || encoding === 'base64' ? 'base64' : encoding;
  const coded = {
    '7bit': content,
    base64: base64Lines(content),
    'quoted-printable': quotedPrintable(content.toString()),
  };
  const type =
    kind === 'text' ? 'text/plain; charset="utf-8"' : `application/octet-stream; name="f${number}"`;
  return bytes(
    lines(`Content-Type: ${type}`, `Content-Transfer-Encoding: ${written}`, '', ''),
    coded[written],
  );
}
