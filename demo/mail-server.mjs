// The demo's mailbox: an IMAP server in this process. It forgets when it ends, so each mail is also kept as a
// file, and given back under its old UID at the next start, as a real server would. It can be away for a while: mail
// arrives all the same.
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} DemoMailServer
 * @property {(mail: Buffer) => void} deliver a mail arrives
 * @property {() => Promise<void>} goAway nobody can connect, and who is connected is cut off
 * @property {() => Promise<void>} comeBack
 */

/**
 * @param {{ port: number, user: string, password: string, folder: string, uidValidity: number }} options
 * @returns {Promise<DemoMailServer>}
 */
export async function startMailServer({ port, user, password, folder, uidValidity }) {
  // Loaded here: when this file is read, the dependencies may not be installed yet.
  const { default: hoodiecrow } = await import('hoodiecrow-imap');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const messages = readdirSync(folder)
    .filter((name) => name.endsWith('.eml'))
    .map((name) => ({ uid: Number.parseInt(name, 10), raw: readFileSync(join(folder, name), 'latin1') }))
    .sort((a, b) => a.uid - b.uid);
  const known = new Set(messages.map(({ uid }) => uid));
  /** @param {{ messageHandlers: ((server: unknown, message: { uid: number, raw: string }) => void)[] }} server */
  const keepMails = (server) =>
    server.messageHandlers.push((_server, { uid, raw }) => {
      if (known.has(uid)) return;
      known.add(uid);
      writeFileSync(join(folder, `${uid}.eml`), raw, 'latin1');
    });
  /**
   * An IDLE whose connection is cut off has ended: its timer would keep this process for half an hour.
   * @param {{ connectionHandlers: ((connection: import('hoodiecrow-imap').Connection) => void)[] }} server
   */
  const endIdle = (server) =>
    server.connectionHandlers.push((connection) =>
      connection.socket.on('close', () => connection.inputHandler && connection.inputHandler('DONE')),
    );
  const server = hoodiecrow({
    plugins: ['IDLE', 'ID', 'UIDPLUS', 'LITERALPLUS', keepMails, endIdle],
    users: { [user]: { password } },
    storage: { INBOX: { uidvalidity: uidValidity, messages } },
  });
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  server.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away is no fault of the server.
    socket.on('error', () => undefined);
  });
  const comeBack = async () => {
    server.listen(port, '127.0.0.1');
    await once(server.server, 'listening');
  };
  await comeBack();
  return {
    deliver: (mail) => void server.appendMessage('INBOX', [], new Date(), mail.toString('latin1')),
    goAway: async () => {
      if (!server.server.listening) return;
      const closed = once(server.server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    comeBack,
  };
}
