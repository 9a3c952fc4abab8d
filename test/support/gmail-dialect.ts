// Stands between a client and Dovecot and makes it speak as Gmail does: each mail has an X-GM-MSGID, which is the same
// in every mailbox that the mail stands in. Whole lines are changed, wherever the network cuts them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The X-GM-MSGID of a mail, a decimal number. */
export type GmailId = (mailbox: string, uid: number) => string;

export class GmailDialect {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, id: GmailId) {
    this.#server = createServer((client) => this.#join(client, target, id));
  }

  static async of(target: number, id: GmailId): Promise<GmailDialect> {
    const dialect = new GmailDialect(target, id);
    dialect.#server.listen(0, '127.0.0.1');
    await once(dialect.#server, 'listening');
    return dialect;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, target: number, id: GmailId): void {
    const server = connect(target, '127.0.0.1');
    const end = (): void => {
      for (const socket of [client, server]) {
        this.#sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    let mailbox = '';
    byLine(client, server, (line) => {
      const [, opened] = /^\S+ (?:SELECT|EXAMINE) "?([^"\r]+)"?/i.exec(line) ?? [];
      mailbox = opened ?? mailbox;
      return line.replace(/ X-GM-MSGID\b/, '');
    });
    byLine(server, client, (line) =>
      line
        .replace(/^(\* CAPABILITY\b|\S+ OK \[CAPABILITY\b)/, '$1 X-GM-EXT-1')
        .replace(
          /^(\* \d+ FETCH \()(?=.*?\bUID (\d+))/,
          (_, start: string, uid: string) => `${start}X-GM-MSGID ${id(mailbox, Number(uid))} `,
        ),
    );
  }
}

function byLine(from: Socket, to: Socket, change: (line: string) => string): void {
  let rest = '';
  from.on('data', (data) => {
    const lines = (rest + data.toString('latin1')).split('\n');
    rest = lines.pop()!;
    to.write(Buffer.from(lines.map((line) => `${change(line)}\n`).join(''), 'latin1'));
  });
}
