// One connection of a scripted server: commands in, answers out.
import type { Socket } from 'node:net';
import { answersTo, fetchAnswer, imapDate, inSet, type StoredMail } from './mail';
import type { FetchCommand, ScriptedImapServer } from './server';

export class Conversation {
  readonly #server: ScriptedImapServer;
  readonly #socket: Socket;
  #rest = '';
  #idleTag: string | undefined;
  /** The mails by the sequence numbers that this client knows: deleted ones keep theirs until it is told. */
  #told: StoredMail[] = [];

  constructor(server: ScriptedImapServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (data) => this.#hear(data.toString('latin1')));
    this.say(`* OK [CAPABILITY ${server.capabilities}] ready\r\n`);
  }

  get isIdling(): boolean {
    return this.#idleTag !== undefined;
  }

  say(answer: string | Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(answer);
  }

  /** A mail by its UID, with its sequence number. */
  mailAt(uid: number): readonly [number, StoredMail] | undefined {
    return this.#inSet(String(uid), 'uid')[0];
  }

  #inSet(set: string, by: 'uid' | 'seq'): (readonly [number, StoredMail])[] {
    return inSet(this.#told, set, by).filter(([, mail]) => this.#server.mails.includes(mail));
  }

  /** Breaks off, without a word. */
  end(): void {
    this.#socket.destroy();
  }

  announce(): void {
    if (this.isIdling) this.say(this.#news());
  }

  #exists(): string {
    return `* ${this.#told.length} EXISTS\r\n`;
  }

  /** What has been deleted, and what has come, since it was last told. */
  #news(): string {
    const { mails } = this.#server;
    let deletions = '';
    for (let at = this.#told.length - 1; at >= 0; at--) {
      if (mails.includes(this.#told[at]!)) continue;
      this.#told.splice(at, 1);
      deletions += `* ${at + 1} EXPUNGE\r\n`;
    }
    this.#told = [...mails];
    return `${deletions}${this.#exists()}`;
  }

  #hear(text: string): void {
    this.#rest += text;
    for (let end = this.#rest.indexOf('\r\n'); end >= 0; end = this.#rest.indexOf('\r\n')) {
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 2);
      this.#obey(line);
    }
  }

  #obey(line: string): void {
    if (this.#idleTag !== undefined) {
      if (line.toUpperCase() !== 'DONE') return;
      this.say(`${this.#idleTag} OK IDLE done\r\n`);
      this.#idleTag = undefined;
      return;
    }
    const [, tag = '*', uid = '', verb = '', args = ''] = /^(\S+) (UID )?(\S+) ?(.*)$/i.exec(line) ?? [];
    const name = `${uid}${verb}`.toUpperCase();
    this.#server.commands.push(`${name} ${args}`.trim());
    const scripted = this.#server.script.command?.(name, tag, args, this);
    if (scripted !== undefined) this.say(scripted);
    else if (name.endsWith('FETCH')) this.#fetch(tag, args, uid ? 'uid' : 'seq');
    else if (name.endsWith('SEARCH')) this.#search(tag, args);
    else this.#answer(name, tag, args);
  }

  #answer(name: string, tag: string, args: string): void {
    if (name === 'IDLE') {
      this.#idleTag = tag;
      const isNews = this.#server.announces && this.#told.length !== this.#server.mails.length;
      this.say(`+ idling\r\n${isNews ? this.#news() : ''}`);
      return;
    }
    this.say(`${this.#untagged(name, args)}${tag} OK${name === 'EXAMINE' ? ' [READ-ONLY]' : ''} done\r\n`);
    if (name === 'LOGOUT') this.#socket.end();
  }

  #untagged(name: string, args: string): string {
    const { capabilities, mailboxes, uidNext } = this.#server;
    switch (name) {
      case 'CAPABILITY':
        return `* CAPABILITY ${capabilities}\r\n`;
      case 'NAMESPACE':
        return '* NAMESPACE (("" "/")) NIL NIL\r\n';
      case 'LIST':
        // Without a name it is asked what separates the levels of names (RFC 3501, 6.3.8).
        if (args === '"" ""') return '* LIST (\\Noselect) "/" ""\r\n';
        return mailboxes.map((mailbox) => `* LIST (\\HasNoChildren) "/" "${mailbox}"\r\n`).join('');
      case 'SELECT':
      case 'EXAMINE':
        this.#told = [...this.#server.mails];
        return `* FLAGS (\\Seen)\r\n${this.#exists()}* OK [UIDVALIDITY 1] \r\n* OK [UIDNEXT ${uidNext}] \r\n`;
      case 'NOOP':
        return this.#news();
      case 'LOGOUT':
        return '* BYE bye\r\n';
      default:
        return '';
    }
  }

  #fetch(tag: string, args: string, by: 'uid' | 'seq'): void {
    const { script } = this.#server;
    const [set, items] = [args.slice(0, args.indexOf(' ')), args.slice(args.indexOf(' ') + 1)];
    const command: FetchCommand = { conversation: this, tag, set, items, mails: this.#inSet(set, by) };
    if (script.fetch?.(command)) return;
    for (const [seq, mail] of command.mails) {
      const scripted = script.fetched?.(command, seq, mail);
      if (scripted === true) return;
      if (scripted !== null) this.say(scripted ?? fetchAnswer(seq, answersTo(items, mail)));
    }
    this.say(script.beforeFetched?.(command) ?? '');
    this.say(`${tag} OK FETCH done\r\n`);
  }

  #search(tag: string, args: string): void {
    const there = this.#inSet('1:*', 'seq').map(([, mail]) => mail);
    const found = there.filter((mail) => fits(mail, args, there)).map(({ uid }) => uid);
    const scripted = this.#server.script.search?.(tag, found, args);
    this.say(scripted ?? `* SEARCH ${found.join(' ')}\r\n${tag} OK SEARCH done\r\n`);
  }
}

/** What the engine asks: UIDs, sizes, dates. A mail without a date is before none. */
function fits(mail: StoredMail, args: string, mails: readonly StoredMail[]): boolean {
  const [, set] = /UID ([\d:*,]+)/i.exec(args) ?? [];
  const [, larger] = /LARGER (\d+)/i.exec(args) ?? [];
  const [, smaller] = /SMALLER (\d+)/i.exec(args) ?? [];
  const [, before] = /NOT BEFORE (\S+)/i.exec(args) ?? [];
  const size = mail.size ?? mail.raw.length;
  if (set && !inSet(mails, set, 'uid').some(([, { uid }]) => uid === mail.uid)) return false;
  if (larger && size <= Number(larger)) return false;
  if (smaller && size >= Number(smaller)) return false;
  return !before || mail.date === 'NIL' || new Date(mail.date) >= new Date(imapDate(new Date(before)));
}
