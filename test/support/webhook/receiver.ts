// A receiver of webhooks, over real HTTP or HTTPS, that answers as it is told.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from '../certificate';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** @param received with its whole body */
export type Answering = (response: ServerResponse, received: Received, socket: Socket) => void;

export class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  connections = 0;
  answering: Answering = (response) => void response.end('ok');
  /** Before the body is read: true, nothing else is done. */
  meeting: (socket: Socket) => boolean = () => false;
  readonly #server;
  readonly #scheme: string;

  private constructor(tls?: Certificate) {
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#met(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.#server.on('connection', () => this.connections++);
    this.#server.on('tlsClientError', () => undefined);
  }

  static async open(tls?: Certificate): Promise<Receiver> {
    const receiver = new Receiver(tls);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(host = '127.0.0.1', path = '/hook'): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #met(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    if (this.meeting(request.socket)) return;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url = '', headers } = request;
      const received = { method, path: url, headers, body: Buffer.concat(chunks) };
      this.received.push(received);
      this.answering(response, received, request.socket);
    } catch {
      // The sender went.
    }
  }
}
