// The way by which the other commands reach the demo that runs: a port on this machine, where a line of JSON is asked and one
// is answered. Invariant: the mail server is away for as long as somebody who asked for it holds the connection; who is
// interrupted, in whatever way, has let go.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** How long the demo may take to answer. */
const PATIENCE_MS = 15_000;

/** @typedef {{ ask: 'hello' } | { ask: 'away' } | { ask: 'deliver', mail: string }} Question mail: in base64 */

/** @typedef {{ says: 'hello' | 'away' | 'back' | 'still away' | 'delivered' } | { says: 'error', message: string }} Answer */

/**
 * @param {string} secret only who knows it is heard
 * @param {import('./mail-server.mjs').DemoMailServer} mailServer
 * @returns {Promise<{ port: number, close(): Promise<void> }>}
 */
export async function listenToCommands(secret, mailServer) {
  /** @type {Set<import('node:net').Socket>} */
  const holders = new Set();
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let isAway = false;
  let isClosing = false;
  let turn = Promise.resolve();
  /** The mail server becomes what its holders want, one change after the other. */
  const follow = () => {
    const next = turn.then(async () => {
      const wanted = holders.size > 0;
      if (wanted === isAway || isClosing) return;
      await (wanted ? mailServer.goAway() : mailServer.comeBack());
      isAway = wanted;
    });
    turn = next.catch(() => undefined);
    return next;
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    /** @param {Answer} answer */
    const tell = (answer) => socket.writable && socket.write(`${JSON.stringify(answer)}\n`);
    /** @param {string} line */
    const take = async (line) => {
      /** @type {Question & { secret: string }} */
      const question = JSON.parse(line);
      if (question.secret !== secret) throw new Error('Another demo runs there.');
      if (question.ask === 'hello') {
        tell({ says: 'hello' });
      } else if (question.ask === 'deliver') {
        mailServer.deliver(Buffer.from(question.mail, 'base64'));
        tell({ says: 'delivered' });
      } else {
        holders.add(socket);
        await follow();
        tell({ says: 'away' });
      }
    };
    const letGo = async () => {
      if (!holders.delete(socket)) return;
      await follow();
      tell({ says: holders.size > 0 ? 'still away' : 'back' });
    };
    /** @param {unknown} error */
    const failed = (error) =>
      void tell({ says: 'error', message: error instanceof Error ? error.message : String(error) });
    createInterface(socket).on('line', (line) => void take(line).catch(failed));
    // The other side asks no more, but hears.
    socket.on('end', () => {
      void letGo()
        .catch(failed)
        .finally(() => socket.end());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      letGo().catch((error) =>
        console.error(`The demo's mail server does not start again: ${error.message}`),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: address && typeof address === 'object' ? address.port : 0,
    close: async () => {
      isClosing = true;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await turn;
    },
  };
}

/** There is no demo that could be asked. */
export class NoDemoError extends Error {}

/**
 * @param {import('./state.mjs').DemoState | undefined} state
 * @returns {Promise<DemoAtWork>}
 * @typedef {object} DemoAtWork
 * @property {(question: Question) => Promise<Answer>} ask
 * @property {() => Promise<Answer>} letGo of the mail server
 * @property {() => void} close
 * @property {Promise<void>} gone the demo has ended
 */
export async function reachDemo(state) {
  if (!state) throw new NoDemoError('The demo has not been started yet. Run: npm start');
  const notRunning = () => new NoDemoError('The demo does not run. Run npm start in another terminal first.');
  if (!state.controlPort) throw notRunning();
  const socket = connect(state.controlPort, '127.0.0.1');
  await once(socket, 'connect').catch(() => {
    throw notRunning();
  });
  socket.on('error', () => undefined);
  const gone = once(socket, 'close').then(() => undefined);
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  const next = async () => {
    const silent = setTimeout(() => socket.destroy(), PATIENCE_MS);
    const { value, done } = await lines.next().finally(() => clearTimeout(silent));
    if (done) throw notRunning();
    /** @type {Answer} */
    const answer = JSON.parse(value);
    if (answer.says === 'error') throw new Error(answer.message);
    return answer;
  };
  return {
    ask: (question) => {
      socket.write(`${JSON.stringify({ ...question, secret: state.mailPassword })}\n`);
      return next();
    },
    letGo: () => {
      socket.end();
      return next();
    },
    close: () => socket.destroy(),
    gone,
  };
}
