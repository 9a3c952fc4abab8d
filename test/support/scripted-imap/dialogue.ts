// A random dialogue with an IMAP server: mails that come and go, and what the server says meanwhile: by the book, or with
// all that is allowed besides, or with faults, each of which it commits so often and then no more.
// Invariant: what it says of mails is true, but for what a fault withholds.
import fc from 'fast-check';
import { answersTo, fetchAnswer, literal, type StoredMail } from './mail';
import type { FetchCommand, Script } from './server';

/** What a server may say at any time (RFC 3501, 5.2 and 7.4.2). */
const HABITS = [
  'flags of another mail',
  'flags of this mail',
  'no UID',
  'all of another mail',
  'in pieces',
  'in reverse',
] as const;
type Habit = (typeof HABITS)[number];

/** What a server should not do, once each. */
const FAULTS = [
  'NO',
  'BAD',
  'break off',
  'half',
  'short',
  'empty',
  'NIL',
  'silent',
  'no size',
  'no date',
] as const;
type Fault = (typeof FAULTS)[number];

export interface Dialogue {
  readonly capabilities: string;
  /** So many mails arrive together, and one that is there is deleted. */
  readonly batches: readonly {
    readonly arrive: number;
    readonly deleteNth: number | null;
    readonly pauseMs: number;
  }[];
  readonly habits: readonly Habit[];
  /** Which FETCH of mails commits it, counted; at which of its mails. */
  readonly faults: readonly {
    readonly fault: Fault;
    readonly afterFetches: number;
    readonly atMail: number;
  }[];
  readonly refusesSearch: boolean;
  /** It hangs up where one FETCH asks for more; null: however many. */
  readonly mostAtOnce: number | null;
}

export const dialogue: fc.Arbitrary<Dialogue> = fc.record({
  capabilities: fc.constantFrom(
    'IMAP4rev1 IDLE',
    'IMAP4rev1 IDLE X-GM-EXT-1',
    'IMAP4rev1 IDLE OBJECTID',
    'IMAP4rev1',
  ),
  batches: fc.array(
    fc.record({
      arrive: fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 8 }) },
        fc.integer({ min: 55, max: 140 }),
      ),
      deleteNth: fc.option(fc.nat(200)),
      pauseMs: fc.constantFrom(0, 0, 30, 200),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  habits: fc.subarray([...HABITS]),
  faults: fc.array(
    fc.record({ fault: fc.constantFrom(...FAULTS), afterFetches: fc.nat(4), atMail: fc.nat(60) }),
    { maxLength: 4 },
  ),
  refusesSearch: fc.boolean(),
  mostAtOnce: fc.constantFrom(null, null, null, 100, 20),
});

/** The part of a server that holds such a dialogue. */
export class Speaker {
  readonly #dialogue: Dialogue;
  readonly #left: Dialogue['faults'][number][];
  #fetches = 0;
  /** How many faults it has committed. */
  committed = 0;

  constructor(dialogue: Dialogue) {
    this.#dialogue = dialogue;
    this.#left = [...dialogue.faults];
  }

  get script(): Script {
    return {
      fetch: (command) => this.#fetch(command),
      search: (tag) => (this.#dialogue.refusesSearch ? `${tag} NO [SERVERBUG] Server error\r\n` : undefined),
    };
  }

  #fetch(command: FetchCommand): boolean {
    const { conversation, tag, items, mails } = command;
    if (mails.length > (this.#dialogue.mostAtOnce ?? Infinity)) {
      conversation.end();
      return true;
    }
    const isOfMails = items.includes('BODY');
    const due =
      isOfMails && mails.length > 0
        ? this.#left.find(({ afterFetches }) => afterFetches <= this.#fetches)
        : undefined;
    if (isOfMails) this.#fetches++;
    if (due) this.#left.splice(this.#left.indexOf(due), 1);
    const struck = due && mails[due.atMail % mails.length]![1].uid;
    const said: Buffer[] = [];
    for (const [seq, mail] of mails) {
      const fault = due && mail.uid === struck ? due.fault : undefined;
      if (fault) this.committed++;
      const answers = fault ? faulty(fault, items, mail, this.committed) : this.#spoken(command, seq, mail);
      if (answers) {
        said.push(...answers.map((answer) => (Buffer.isBuffer(answer) ? answer : fetchAnswer(seq, answer))));
        continue;
      }
      this.#send(command, said);
      if (fault === 'NO' || fault === 'BAD') conversation.say(`${tag} ${fault} Cannot read a message\r\n`);
      else if (fault === 'break off') conversation.end();
      else if (fault === 'half') {
        conversation.say(`* ${seq} FETCH (UID ${mail.uid} BODY[] {${mail.raw.length}}\r\nFrom: Ann`);
        setTimeout(() => conversation.end(), 20);
      }
      // Silence is ended by the client, at its deadline.
      return true;
    }
    this.#send(command, said);
    conversation.say(`${tag} OK FETCH done\r\n`);
    return true;
  }

  #send({ conversation }: FetchCommand, said: Buffer[]): void {
    if (this.#dialogue.habits.includes('in reverse')) said.reverse();
    for (const answer of said) conversation.say(answer);
  }

  /** What it says of one mail, and of others while it is at it. */
  #spoken(
    { conversation, items }: FetchCommand,
    seq: number,
    mail: StoredMail,
  ): (Buffer | readonly Item[])[] {
    const { habits } = this.#dialogue;
    const all = answersTo(items, mail);
    const uid: Item = ['UID', Buffer.from(String(mail.uid))];
    const rest = all.filter(([name]) => name !== 'UID');
    const said: (Buffer | readonly Item[])[] =
      habits.includes('in pieces') && rest.length > 1
        ? [
            [uid, ...rest.slice(0, 1)],
            [...rest.slice(1), uid],
          ]
        : [all];
    const [firstSeq, first] = conversation.mailAt(1) ?? [];
    if (habits.includes('no UID')) said.push(Buffer.from(`* ${seq} FETCH (FLAGS (\\Seen))\r\n`));
    if (habits.includes('flags of this mail')) said.unshift([['FLAGS', Buffer.from('(\\Seen)')], uid]);
    const next = conversation.mailAt(mail.uid + 30);
    if (habits.includes('flags of another mail') && next)
      said.push(Buffer.from(`* ${next[0]} FETCH (UID ${next[1].uid} MODSEQ (7) FLAGS (\\Seen))\r\n`));
    if (habits.includes('all of another mail') && first && mail.uid % 7 === 0)
      said.push(fetchAnswer(firstSeq!, answersTo(items, first)));
    return said;
  }
}

type Item = readonly [string, Buffer];

/**
 * What it says of a mail instead; undefined: no more of this command.
 * @param nth how many faults there were: what is cut off twice alike would be a wrong size, and no fault
 */
function faulty(fault: Fault, items: string, mail: StoredMail, nth: number): (readonly Item[])[] | undefined {
  const change = (isMeant: (name: string) => boolean, to: Buffer | null): (readonly Item[])[] => [
    answersTo(items, mail).flatMap(([name, value]): Item[] => {
      if (!isMeant(name)) return [[name, value]];
      return to ? [[name, to]] : [];
    }),
  ];
  const isBody = (name: string): boolean => name.startsWith('BODY[');
  switch (fault) {
    case 'short':
      return change(isBody, literal(mail.raw.subarray(0, 40 + nth)));
    case 'empty':
      return change(isBody, Buffer.from('""'));
    case 'NIL':
      return change(isBody, Buffer.from('NIL'));
    case 'no size':
      return change((name) => name === 'RFC822.SIZE', null);
    case 'no date':
      return change((name) => name === 'INTERNALDATE', Buffer.from('NIL'));
    default:
      return undefined;
  }
}
