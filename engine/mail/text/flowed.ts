// Text in paragraphs that its sender broke into lines (RFC 3676), put together again. libmime's own way (5.4.6) also joins the marks
// of quoted lines, and takes blanks away only where a paragraph begins.
// Invariant: no line is joined with one of another depth of quotes, and none with the line before a signature.

interface Line {
  readonly quotes: string;
  /** The blank that stuffs it (RFC 3676, 4.4). */
  readonly stuffing: string;
  readonly text: string;
}

const SIGNATURE = '-- ';

/** @param delSp the blank at the end of a line belongs to the break, not to the text */
export function joinFlowed(written: string, delSp: boolean): string {
  const paragraphs: string[] = [];
  let pieces: string[] = [];
  let quotes: string | null = null;
  for (const line of written.split(/\r?\n/).map(readLine)) {
    const goesOn = quotes === line.quotes && line.text !== SIGNATURE && line.text !== '';
    if (!goesOn) {
      if (quotes !== null) paragraphs.push(pieces.join(''));
      // What a quoted line is stuffed with is shown, as it was written.
      pieces = [line.quotes === '' ? '' : line.quotes + line.stuffing];
    } else if (delSp) pieces.push(pieces.pop()!.slice(0, -1));
    pieces.push(line.text);
    quotes = line.text.endsWith(' ') && line.text !== SIGNATURE ? line.quotes : null;
    if (quotes === null) paragraphs.push(pieces.join(''));
  }
  if (quotes !== null) paragraphs.push(pieces.join(''));
  // The line end of the last line ends no paragraph.
  if (paragraphs.at(-1) === '') paragraphs.pop();
  return paragraphs.join('\n');
}

function readLine(written: string): Line {
  const [quotes = ''] = /^>*/.exec(written)!;
  const stuffing = written[quotes.length] === ' ' ? ' ' : '';
  return { quotes, stuffing, text: written.slice(quotes.length + stuffing.length) };
}
