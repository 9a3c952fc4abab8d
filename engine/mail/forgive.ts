// What the parser does not forgive in a part: comments and junk in the fields that tell what it is, charsets that are missing, wrong
// or unknown to it, and texts that are files. Where parts begin and end is put right before that (mime/layout.ts).
// It reaches into the parser (mailparser 3.9.31); where an inside is missing, the parser's own way is kept.
import { PassThrough } from 'node:stream';
import { type DecodeStream, type TextCoding, TextBody } from './text/text-body';
import { isFormOfText, isTextType } from './mime/texts';
import { mendPart, type SplitPart } from './mend-part';
import { inKnownCharsets } from './words';

/** The parser's own note of a part. */
interface Made {
  readonly contentType?: string;
  readonly disposition?: string;
  charset?: string;
  isAttachment?: boolean;
}

interface Insides {
  createNode?(part: SplitPart): Made;
  decoder?: { decodeStream: DecodeStream };
  libmime?: { decodeWords(value: string): string };
}

/** @param namedAreFiles texts with a file name are files */
export function forgive(parser: object, namedAreFiles: boolean): void {
  const insides = parser as Insides;
  const createNode = insides.createNode?.bind(parser);
  const decodeStream = insides.decoder?.decodeStream.bind(insides.decoder);
  if (!createNode || !decodeStream) return;
  const texts = new Map<string, TextCoding>();
  insides.createNode = (part) => {
    mendPart(part);
    const isFile = namedAreFiles && Boolean(part.filename) && !isForm(part);
    const coding = isFile ? null : codingOf(part);
    if (coding?.isBase64) part.getDecoder = () => new PassThrough();
    const made = createNode(part);
    if (isFile) made.isAttachment = true;
    if (coding) {
      // No charset has such a name.
      made.charset = `x-text-${texts.size}`;
      texts.set(made.charset, coding);
    }
    return made;
  };
  insides.decoder = {
    decodeStream: (charset) => {
      const coding = texts.get(charset);
      return coding ? new TextBody(coding, decodeStream) : decodeStream(charset);
    },
  };
  forgiveWords(insides);
}

function isForm({ parentNode }: SplitPart): boolean {
  const around = parentNode ? [parentNode, parentNode.parentNode] : [];
  return isFormOfText(around.map((one) => (one && one.contentType ? one.contentType : null)));
}

/** How the text of a part is coded; null: it is no text. The parser joins no lines for us. */
function codingOf(part: SplitPart): TextCoding | null {
  const { disposition, encoding, charset, flowed, delSp } = part;
  const type = part.contentType || (part.root ? 'text/plain' : '');
  if (!isTextType(type) || (disposition && disposition !== 'inline')) return null;
  Object.assign(part, { flowed: false, delSp: false });
  return {
    charset: charset || '',
    isHtml: type === 'text/html',
    isBase64: encoding === 'base64',
    isFlowed: flowed,
    delSp,
  };
}

/** Subjects and names in charsets that the parser does not know. */
function forgiveWords({ libmime }: Insides): void {
  const decodeWords = libmime?.decodeWords.bind(libmime);
  if (libmime && decodeWords) libmime.decodeWords = (value) => decodeWords(inKnownCharsets(value));
}
