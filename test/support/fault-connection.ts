// One connection from an IMAP client to its server, which understands what both say and breaks it as it is told.
// Plain or TLS: towards the client it speaks TLS itself, towards the server plain.
// Invariant: without a fault every octet passes.
import { connect, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Certificate } from './certificate';
import type { Faults, FaultState } from './faults';
import { ImapPieces, type Piece } from './imap-pieces';
import { reset } from './net';

const SMALLEST_CUT_MAIL = 1_000;
const DRIP_MS = 100;

export class FaultyConnection {
  readonly #state: FaultState;
  readonly #raw: Socket;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #began = performance.now();
  readonly #said = new ImapPieces();
  readonly #answered = new ImapPieces();
  readonly #dripping: Buffer[] = [];
  #drip: NodeJS.Timeout | undefined;
  /** Tags of the commands that have not been answered. */
  #login: string | undefined;
  #idle: string | undefined;
  #silent = false;
  #vanished = false;

  constructor(
    state: FaultState,
    raw: Socket,
    target: number,
    certificate: Certificate | undefined,
    ended: () => void,
  ) {
    this.#state = state;
    this.#raw = raw;
    this.#vanished = state.faults.blackout;
    const secure = certificate && !this.#vanished;
    this.#client = secure
      ? new TLSSocket(raw, { isServer: true, secureContext: createSecureContext(certificate) })
      : raw;
    this.#server = connect(target, '127.0.0.1');
    if (this.#vanished) state.struck++;
    // Where packets vanish, the end of a connection does, too; what is left ends with the proxy.
    const clientEnded = (): void => {
      if (this.#vanished) return;
      ended();
      this.#end();
    };
    const serverEnded = (): void => {
      if (!this.#vanished && !this.#silent) this.#client.end();
    };
    for (const socket of new Set([raw, this.#client]))
      socket.on('close', clientEnded).on('error', clientEnded);
    this.#server.on('close', serverEnded).on('error', serverEnded);
    this.#client.on('data', (data: Buffer) => {
      if (!this.#vanished) for (const piece of this.#said.take(data)) this.#fromClient(piece);
    });
    this.#server.on('data', (data: Buffer) => {
      if (!this.#vanished) for (const piece of this.#answered.take(data)) this.#fromServer(piece);
    });
  }

  reset(): void {
    this.#vanished = false;
    reset(this.#raw);
    this.#end();
  }

  bye(text: string): void {
    this.#client.end(`* BYE ${text}\r\n`, 'latin1');
    this.#server.destroy();
  }

  vanish(): void {
    this.#vanished = true;
  }

  #end(): void {
    clearInterval(this.#drip);
    this.#client.destroy();
    this.#raw.destroy();
    this.#server.destroy();
  }

  #fromClient(piece: Piece): void {
    if (piece.kind === 'literal') return void this.#server.write(piece.bytes);
    const [, tag, command = ''] = /^(\S+) (LOGIN|AUTHENTICATE|IDLE)\b/i.exec(piece.text) ?? [];
    if (command.toUpperCase() === 'IDLE') this.#idle = tag;
    else if (command !== '') {
      this.#state.logins++;
      this.#login = tag;
      const refused = this.#state.faults.loginRefusedWith;
      if (refused !== undefined) {
        this.#strike(`${tag} NO ${refused}\r\n`);
        return;
      }
    }
    this.#server.write(piece.text, 'latin1');
  }

  #fromServer(piece: Piece): void {
    const { faults } = this.#state;
    if (this.#silent || performance.now() - this.#began > faults.silentAfterMs) {
      this.#silent = true;
      this.#state.struck++;
    } else if (piece.kind === 'line') this.#lineFromServer(piece.text, faults);
    else if (faults.cutMails > 0 && piece.size >= SMALLEST_CUT_MAIL) this.#cut(piece, faults);
    else this.#say(piece.bytes);
  }

  #lineFromServer(line: string, faults: Faults): void {
    const exists = /^\* \d+ EXISTS\r\n$/.test(line);
    const idling = this.#idle !== undefined;
    const answers = (tag: string | undefined): boolean => tag !== undefined && line.startsWith(`${tag} `);
    if (answers(this.#idle)) this.#idle = undefined;

    if (faults.idleUnconfirmed && idling && line.startsWith('+')) this.#strike();
    else if (faults.existsDropped && idling && exists) this.#strike();
    else if (faults.existsDoubled && exists) this.#strike(line + line);
    else if (faults.noIdle && /\bCAPABILITY\b.* IDLE\b/.test(line)) this.#strike(line.replace(' IDLE', ''));
    else this.#say(Buffer.from(line, 'latin1'));

    if (!answers(this.#login)) return;
    this.#login = undefined;
    if (!faults.dropAfterLogin) return;
    this.#state.struck++;
    this.#client.end();
    this.#server.destroy();
  }

  /** The first half of a mail passes, then the connection ends as if the server had closed it. */
  #cut({ bytes, at, size }: Piece & { kind: 'literal' }, faults: Faults): void {
    const half = Math.floor(size / 2);
    this.#say(bytes.subarray(0, Math.max(half - at, 0)));
    if (at + bytes.length < half) return;
    this.#state.struck++;
    this.#state.faults = { ...faults, cutMails: faults.cutMails - 1 };
    this.#silent = true;
    this.#client.end();
    this.#server.destroy();
  }

  /** Says something else than the server did, or nothing. */
  #strike(instead = ''): void {
    this.#state.struck++;
    this.#say(Buffer.from(instead, 'latin1'));
  }

  #say(bytes: Buffer): void {
    if (bytes.length === 0 || !this.#client.writable) return;
    if (this.#dripping.length === 0 && this.#state.faults.bytesPerSecond === Infinity) {
      this.#client.write(bytes);
      return;
    }
    this.#state.struck++;
    this.#dripping.push(bytes);
    this.#drip ??= setInterval(() => this.#dripOn(), DRIP_MS);
  }

  #dripOn(): void {
    if (this.#vanished) return;
    const waiting = Buffer.concat(this.#dripping.splice(0));
    const drop = Math.ceil((this.#state.faults.bytesPerSecond * DRIP_MS) / 1_000);
    this.#client.write(waiting.subarray(0, drop));
    const rest = waiting.subarray(drop);
    if (rest.length > 0) return void this.#dripping.push(rest);
    clearInterval(this.#drip);
    this.#drip = undefined;
  }
}
