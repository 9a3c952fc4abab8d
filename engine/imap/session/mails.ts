// Reads the mails of the open mailbox: what is told of them, and their content.
// Invariants: nothing is taken for a mail that is less than its server says, unless it says the same twice; a mail
// counts as deleted only if the server, asked once more, tells of others and not of it.
import type { FetchMessageObject, FetchQueryObject } from 'imapflow';
import { Answers } from './answers';
import type { ImapConnection } from './connection';
import { MOST_READ_BYTES } from './connecting';
import { ImapFault, isRefusal, nothingOf } from './fault';
import { type FactNeeds, factQuery, factsOf, isAnswered, type MailFacts, withHeader } from './facts';
import type { HandedOut } from './handed-out';
import { readInPieces } from './in-pieces';
import { sequenceSet } from './sequence-set';

/** A mail whose content is asked for. */
export interface SizedMail {
  readonly uid: number;
  /** Octets (RFC822.SIZE); 0: unknown, or a mail without anything. */
  readonly size: number;
  /** What was read of it before, and was too little. */
  readonly short?: Buffer;
}

interface Asked {
  readonly answers: Answers;
  readonly fault: ImapFault | null;
}

export class MailReading {
  readonly #connection: ImapConnection;

  constructor(connection: ImapConnection) {
    this.#connection = connection;
  }

  /**
   * What the server tells of each mail; of one that is withheld, what it tells without its header.
   * @param uids ascending
   * @param wholeBelow a mail of fewer octets comes with its content; 0: none does
   */
  async facts(uids: readonly number[], needs: FactNeeds, wholeBelow = 0): Promise<HandedOut<MailFacts>> {
    const query = factQuery(needs, wholeBelow);
    const { answers, fault } = await this.#ask('Reading mail headers', uids, query, withHeader);
    const lacks = (uid: number): boolean => !isAnswered(answers.get(uid), needs, this.#connection.hasIds);
    const handedOut = (
      isEnough: (uid: number) => boolean,
      fault: ImapFault | null = null,
      withheld: readonly number[] = [],
    ): HandedOut<MailFacts> => {
      const facts = uids.filter(isEnough).map((uid) => factsOf(answers.get(uid)!, wholeBelow));
      return { answers: new Map(facts.map((mail) => [mail.uid, mail])), withheld, fault };
    };
    const lacking = uids.filter(lacks);
    const isLacking = new Set(lacking);
    const isAll = (uid: number): boolean => !isLacking.has(uid);
    if (fault || lacking.length === 0) return handedOut(isAll, fault);
    const there = await this.#present(lacking);
    const present = lacking.filter((uid) => there.answers.get(uid));
    if (there.fault || present.length === 0) return handedOut(isAll, there.fault);
    // Once more, with the whole header, and without the structure: some servers stumble over them.
    const whole = { ...factQuery({ ...needs, structure: false }), headers: true };
    const again = await this.#ask('Reading mail headers', present, whole);
    answers.add(again.answers);
    if (again.fault?.kind === 'connection') return handedOut(isAll, again.fault);
    // By its header it is told from others, and judged; what else the server does not say stays unknown.
    const hasHeader = (uid: number): boolean => answers.get(uid)?.header !== undefined;
    const left = present.filter((uid) => !hasHeader(uid));
    if (left.length > 0 && again.fault) return handedOut(hasHeader, again.fault);
    answers.add(there.answers);
    return handedOut((uid) => answers.get(uid) !== undefined, null, left);
  }

  /** The same without what the server may stumble over: which of the mails are there, and their ids. */
  async bare(uids: readonly number[]): Promise<HandedOut<MailFacts>> {
    const { answers, fault } = await this.#present(uids);
    return {
      answers: new Map(answers.uids.map((uid) => [uid, factsOf(answers.get(uid)!)])),
      withheld: [],
      fault,
    };
  }

  /** The raw mails. They are all held in memory: the caller bounds their sizes. */
  async contents(mails: readonly SizedMail[]): Promise<HandedOut<Buffer>> {
    const contents = new Map<number, Buffer>();
    const withheld: number[] = [];
    let left = mails;
    for (let isLast = false; ; isLast = true) {
      const { answers, fault } = await this.#ask('Reading mail', uidsOf(left), { source: true });
      const doubtful: SizedMail[] = [];
      for (const mail of left) {
        const content = answers.get(mail.uid)?.content;
        if (content && isWhole(mail, content)) contents.set(mail.uid, content);
        else doubtful.push(content ? { ...mail, short: content } : mail);
      }
      if (fault) return { answers: contents, withheld, fault };
      if (doubtful.length === 0) return { answers: contents, withheld, fault: null };
      const there = await this.#present(uidsOf(doubtful));
      if (there.fault) return { answers: contents, withheld, fault: there.fault };
      left = doubtful.filter(({ uid }) => there.answers.get(uid));
      if (isLast || left.length === 0) return { answers: contents, withheld: uidsOf(left), fault: null };
    }
  }

  /**
   * One mail, in pieces of so many octets. @param take is given each of them, in order, and may refuse to go on
   * @returns whether that was all of it: if not, and there is no fault, the server hands it out as a whole or not at all
   */
  async inPieces(
    { uid, size }: SizedMail,
    pieceBytes: number,
    take: (piece: Buffer) => Promise<boolean>,
  ): Promise<{ readonly isWhole: boolean; readonly fault: ImapFault | null }> {
    let broken: ImapFault | null = null;
    const ask = async (start: number, maxLength: number): Promise<Buffer | undefined> => {
      const { answers, fault } = await this.#ask('Reading mail', [uid], { source: { start, maxLength } });
      if (fault && !isRefusal(fault)) broken = fault;
      return fault ? undefined : answers.get(uid)?.content;
    };
    const isWhole = await readInPieces(size, { piece: pieceBytes, most: MOST_READ_BYTES }, ask, take);
    return { isWhole, fault: broken };
  }

  /** The mails' whole header blocks. @param uids ascending */
  async headers(uids: readonly number[]): Promise<HandedOut<Buffer>> {
    const { answers, fault } = await this.#ask('Reading mail headers', uids, { headers: true });
    const blocks = uids.flatMap((uid): [number, Buffer][] => {
      const header = answers.get(uid)?.header;
      return header ? [[uid, header]] : [];
    });
    const handedOut = { answers: new Map(blocks), withheld: [], fault };
    if (fault || blocks.length === uids.length) return handedOut;
    const missing = uids.filter((uid) => !handedOut.answers.has(uid));
    const there = await this.#present(missing);
    return { ...handedOut, withheld: there.answers.uids, fault: there.fault };
  }

  /**
   * Which of the mails have more than so many octets, as their content tells: for those of unknown size.
   * @param uids ascending
   */
  async largerThan(uids: readonly number[], octets: number): Promise<HandedOut<boolean>> {
    const query: FetchQueryObject = { source: { start: octets, maxLength: 1 } };
    const { answers, fault } = await this.#ask('Measuring mail', uids, query);
    const measured = uids.map((uid) => [uid, (answers.get(uid)?.content?.length ?? 0) > 0] as const);
    return { answers: new Map(fault ? [] : measured), withheld: [], fault };
  }

  /**
   * Whether the server hands out other mails: some from the beginning, the middle and the end of the mailbox are tried.
   * @returns `none`: there are no others; a fault: it does not
   */
  async handsOutOthers(than: ReadonlySet<number>): Promise<'yes' | 'none' | ImapFault> {
    const { exists, login } = this.#connection;
    const places = [...new Set([1, Math.ceil(exists / 2), exists])].filter((place) => place > 0);
    if (places.length === 0) return 'none';
    const others = new Answers((uid) => !than.has(uid));
    const take = (message: FetchMessageObject): void => others.take(message);
    const listing = this.#connection.fetch('Looking for other mail', places.join(','), {}, take, 'seq');
    let fault = await listing.then(() => null, faultOf);
    for (const uid of others.uids) {
      if (fault?.kind === 'connection') return fault;
      const asked = await this.#ask('Reading mail', [uid], { source: { start: 0, maxLength: 64 } });
      if (!asked.fault && asked.answers.get(uid)?.content?.length) return 'yes';
      fault = asked.fault ?? nothingOf(login);
    }
    return fault ?? 'none';
  }

  /** Which of the UIDs are in the open mailbox. @throws ImapFault */
  async present(uids: readonly number[]): Promise<Set<number>> {
    const { answers, fault } = await this.#present(uids);
    if (fault) throw fault;
    return new Set(answers.uids);
  }

  async #present(uids: readonly number[]): Promise<Asked> {
    const answers = new Answers(uids);
    // The last mail is always there (RFC 3501, 6.4.8): a server that does not tell even of it tells nothing.
    const set = `${sequenceSet([...uids].sort((a, b) => a - b))},*`;
    const there = (): string | undefined => (this.#connection.exists > 0 ? set : undefined);
    const looking = this.#connection.fetchThere('Looking for deleted mail', there, {}, (message) =>
      answers.take(message),
    );
    return { answers, fault: await looking.then(() => null, faultOf) };
  }

  async #ask(
    what: string,
    uids: readonly number[],
    query: FetchQueryObject,
    read = (message: FetchMessageObject): FetchMessageObject => message,
  ): Promise<Asked> {
    const answers = new Answers(uids);
    if (uids.length === 0) return { answers, fault: null };
    const take = (message: FetchMessageObject): void => answers.take(read(message));
    const asking = this.#connection.fetch(what, sequenceSet(uids), query, take);
    return { answers, fault: await asking.then(() => null, faultOf) };
  }
}

/** @throws everything else */
function faultOf(error: unknown): ImapFault {
  if (error instanceof ImapFault) return error;
  throw error;
}

const uidsOf = (mails: readonly SizedMail[]): number[] => mails.map(({ uid }) => uid).sort((a, b) => a - b);

/** Some servers' sizes are wrong: what comes twice the same is all that there is. */
function isWhole({ size, short }: SizedMail, content: Buffer): boolean {
  if (content.length === 0) return size === 0 && short?.length === 0;
  return (size > 0 && content.length >= size) || short?.equals(content) === true;
}
