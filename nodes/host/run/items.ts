// From the claims of a run to its items: each mail's content out of the ledger, or read again from its server.
// Invariant: what is in memory at a time is bounded, besides the items themselves; a mail that cannot be read ends the
// run, one that is nowhere any more does not.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import {
  type ContentPiece,
  LARGE_BYTES,
  type PackedContent,
  StoredPieces,
  unpackContent,
} from '../../../engine/ledger/content';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Claim, Pointer } from '../../../engine/ledger/pointer';
import type { MailSource } from '../../../engine/mail/mail-source';
import { groupedBySize } from '../../../engine/runtime/groups';
import type { ItemFacts } from '../items/mail';
import type { RunTelling } from '../trigger/settings';

type Context = Pick<IExecuteFunctions, 'helpers'>;

/** What is in memory at a time of a run's mails, besides the items that are made of them. */
const GROUP_BYTES = 16 * 1024 * 1024;

/** A mail's bytes, as its collector stores them. */
interface ReadMail {
  readonly raw: MailSource;
  /** It is too large to be handed out: its headers are what counts, and what else is here is cut off. */
  readonly truncated: boolean;
  /** Octets, where its server knows by now; 0: it does not. */
  readonly size?: number;
}

/** Reads mails from their server, for those that are not in the ledger. */
export interface Rereader {
  /**
   * @param mostBytes of a mail above this, only the headers are read
   * @returns null: the server does not have it any more
   * @throws Error: it could not be asked
   */
  read(claim: Claim, mostBytes: number): Promise<ReadMail | null>;
  end(): Promise<void>;
}

/** How a run's mails are read. */
export interface ReadSettings {
  /**
   * Makes an item of a mail's bytes, as its collector stores them, or as the rereader gave them; of its headers only,
   * where `facts.truncatedSize` is set.
   */
  readonly shape: (context: Context, content: MailSource, facts: ItemFacts) => Promise<INodeExecutionData>;
  /** A mail above this size (RFC822.SIZE, octets) is handed out with its headers only. */
  readonly mostReadBytes: number;
  /** Opens a connection to the server; called for a run only where it is needed. */
  readonly rereader: () => Promise<Rereader>;
}

export interface RunSettings extends ReadSettings {
  readonly telling: RunTelling;
}

/**
 * In the order of the claims; each item is paired with its pointer.
 * @returns and the claims whose mails are nowhere any more
 */
export async function itemsOf(
  context: Context & Pick<IExecuteFunctions, 'getWorkflow'>,
  ledger: Pick<Ledger, 'contents' | 'contentPiece'>,
  pointers: readonly Pointer[],
  claims: readonly Claim[],
  settings: ReadSettings,
): Promise<{ items: INodeExecutionData[]; gone: Claim[] }> {
  const items: INodeExecutionData[] = [];
  const gone: Claim[] = [];
  let rereader: Rereader | undefined;
  try {
    for (const group of groupedBySize(claims, ({ size }) => size, GROUP_BYTES)) {
      const contents = await contentsOf(ledger, group);
      for (const claim of group) {
        const packed = claim.content ?? contents.get(claim.event);
        const raw = packed ? await unpackContent(packed) : await largeMail(ledger, claim);
        const mail = raw
          ? { raw, truncated: claim.size > settings.mostReadBytes }
          : await (rereader ??= await settings.rereader()).read(claim, settings.mostReadBytes);
        if (!mail) {
          gone.push(claim);
          continue;
        }
        const item = pointers.findIndex(({ event }) => event === claim.event);
        const shaped = await settings.shape(context, mail.raw, factsOf(context, claim, mail));
        items.push({ ...shaped, pairedItem: { item } });
      }
    }
  } finally {
    await rereader?.end();
  }
  return { items, gone };
}

/** Of those claims that did not bring them; large ones are asked for piece by piece. */
async function contentsOf(
  ledger: Pick<Ledger, 'contents'>,
  claims: readonly Claim[],
): Promise<ReadonlyMap<string, PackedContent>> {
  const asked = claims.filter(({ content, size }) => !content && size <= LARGE_BYTES);
  return asked.length > 0 ? ledger.contents(asked.map(({ event }) => event)) : new Map();
}

/** One that is stored in pieces; null: it is not stored. */
async function largeMail(ledger: Pick<Ledger, 'contentPiece'>, claim: Claim): Promise<MailSource | null> {
  if (claim.size <= LARGE_BYTES) return null;
  const load = (place: number): Promise<ContentPiece | null> => ledger.contentPiece(claim.event, place);
  const first = await load(0);
  if (!first) return null;
  if (first.pieces === 1) return unpackContent(first.gzip);
  return new StoredPieces(first.pieces, async (place) => {
    const piece = await load(place);
    if (!piece) throw new Error('The content of the mail was deleted while its run read it.');
    return piece.gzip;
  });
}

const factsOf = (
  context: Pick<IExecuteFunctions, 'getWorkflow'>,
  claim: Claim,
  { truncated, size }: Omit<ReadMail, 'raw'>,
): ItemFacts => ({
  uid: claim.uid,
  delivery: {
    eventId: claim.event,
    attempt: claim.attempt,
    idempotencyKey: claim.idempotencyKey,
    receivedAt: claim.receivedAt === null ? null : new Date(claim.receivedAt).toISOString(),
    account: claim.account,
    mailbox: claim.mailbox,
    workflowId: context.getWorkflow().id ?? '',
  },
  ...(truncated && { truncatedSize: claim.size || (size ?? 0) }),
});
