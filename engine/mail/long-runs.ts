// Nearly all of a large mail is files in base64. These are taken out before it is read, and put back where they were: so it is whole
// nowhere, and the parser, which passes on each octet several times, in other memory each time, does so with little.
// Invariant: what comes out is what the parser makes of the whole mail. Each run is looked for in the files that were read; where one
// is not found as it should be, or anything else is amiss, the mail is read as it came.
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type AttachmentFacts, type Content, fileContent, type Filing } from './filing';
import { type MailSource, octetsOf, wholeOf } from './mail-source';
import { decoded, MARK_BYTES, type Run, Shortening } from './shortening';

interface Read {
  readonly attachments: readonly (AttachmentFacts & Content)[];
  readonly parseError?: string;
}

/** A mail of fewer octets is read as it came. */
const LARGE_BYTES = 1024 * 1024;

/** @param read reads a mail @returns what it makes of this one @throws FilingFault, and what `read` throws */
export async function readShortened<Mail extends Read>(
  source: MailSource,
  filing: Filing,
  read: (raw: Buffer, filing: Filing) => Promise<Mail>,
): Promise<Mail> {
  if (Buffer.isBuffer(source) && source.length < LARGE_BYTES) return read(source, filing);
  const shortening = new Shortening();
  for await (const piece of octetsOf(source)) {
    shortening.take(piece);
    // So that n8n's event loop has its turn.
    await setImmediate();
  }
  const { runs } = shortening;
  const short = shortening.end();
  if (runs.length === 0) return read(Buffer.isBuffer(source) ? source : short, filing);
  const mail = await read(short, () => 'keep');
  const attachments =
    mail.parseError === undefined ? await putBack(source, runs, mail.attachments, filing) : null;
  return attachments ? { ...mail, attachments } : read(await wholeOf(source), filing);
}

/** @returns null: not every run is in a file of its own, decoded; or one is shown within the HTML */
async function putBack<One extends AttachmentFacts & Content>(
  source: MailSource,
  runs: readonly Run[],
  attachments: readonly One[],
  filing: Filing,
): Promise<One[] | null> {
  const found = attachments.map(({ content }) => runs.filter(({ mark }) => content.includes(mark)));
  if (found.flat().length !== runs.length || new Set(found.flat()).size !== runs.length) return null;
  if (attachments.some(({ cid }, index) => cid !== undefined && found[index]!.length > 0)) return null;
  const all: One[] = [];
  for (const [index, attachment] of attachments.entries()) {
    const within = found[index]!;
    if (within.length === 0) all.push(attachment);
    else all.push({ ...attachment, ...(await refilled(source, attachment, within, filing)) });
  }
  return all;
}

function refilled(
  source: MailSource,
  attachment: AttachmentFacts & Content,
  runs: readonly Run[],
  filing: Filing,
): Promise<Content> {
  const { content } = attachment;
  const size = runs.reduce((sum, run) => sum + run.size - MARK_BYTES, content.length);
  async function* octets(): AsyncGenerator<Buffer> {
    let at = 0;
    for (const run of runs) {
      const place = content.indexOf(run.mark, at);
      if (place > at) yield content.subarray(at, place);
      yield* decoded(octetsOf(source, run.from, run.to));
      at = place + MARK_BYTES;
    }
    if (at < content.length) yield content.subarray(at);
  }
  return fileContent(filing(attachment, size), size, () => Readable.from(octets(), { objectMode: false }));
}
