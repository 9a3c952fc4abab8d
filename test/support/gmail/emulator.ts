// The published emulator of Gmail (@emulators/google) on an HTTP server: what the fake is compared with, where it
// covers a call. It knows no horizon, no quota and no Pub/Sub.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class GoogleEmulator {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param token good for the account @param address the only account */
  static async start(token: string, address: string): Promise<GoogleEmulator> {
    const { createServer: createEmulator } = await import('@emulators/core');
    const { googlePlugin, seedFromConfig } = await import('@emulators/google');
    const user = { login: address, id: 1, scopes: ['https://mail.google.com/'] };
    const { app, store } = createEmulator(googlePlugin, { tokens: { [token]: user } });
    seedFromConfig(store, 'http://localhost', { users: [{ email: address }] });
    const server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const headers = new Headers(request.headers as Record<string, string>);
        const { method = 'GET' } = request;
        const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
        const answer = await app.fetch(
          new Request(`http://localhost${request.url ?? '/'}`, { method, headers, body }),
        );
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      })();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new GoogleEmulator(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
