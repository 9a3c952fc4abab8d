// The server of the console's port, and what clients ask of it besides HTTP.
import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { KeptServer } from '../../engine/console/home/kept-server';
import { silentLog } from '../support/log';
import { freePort } from '../support/net';

const H2C = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAA' };

describe('the server of a port', { timeout: 60_000 }, () => {
  let server: KeptServer;
  let port: number;
  const upgraded: (string | undefined)[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  before(async () => {
    port = await freePort();
    const named = { host: '127.0.0.1', port, name: 'The test', elsewhere: '' };
    const answering = {
      handle: async (req: IncomingMessage, res: { end: (text: string) => unknown }): Promise<void> => {
        let length = 0;
        for await (const part of req) length += (part as Buffer).length;
        const { method, url, headers } = req;
        res.end(`${method} ${url} ${length} ${headers.authorization} ${headers.upgrade ?? 'plain'}`);
      },
      upgrade: (req: IncomingMessage, socket: { end: (text: string) => unknown }): void => {
        upgraded.push(req.headers.upgrade);
        socket.end('HTTP/1.1 418 No\r\nConnection: close\r\n\r\n');
      },
    };
    server = new KeptServer(named, answering, silentLog);
    await server.open();
  });
  after(async () => {
    agent.destroy();
    await server.close();
  });

  const ask = (headers: Record<string, string>, body = ''): Promise<readonly [number, string]> =>
    new Promise((resolve, reject) => {
      const method = body ? 'POST' : 'GET';
      const all = { authorization: 'Bearer x', ...headers };
      const req = request({ host: '127.0.0.1', port, path: '/a?b=c', method, headers: all, agent }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (part: string) => (text += part));
        res.on('end', () => resolve([res.statusCode!, text]));
      });
      req.on('error', reject).end(body);
    });

  it('answers a client that offers HTTP/2 as if it had not, body and all, and the next on the same connection', async () => {
    const large = 'x'.repeat(300_000);
    for (let time = 0; time < 3; time++) {
      assert.deepEqual(await ask(H2C), [200, 'GET /a?b=c 0 Bearer x plain']);
      assert.deepEqual(await ask(H2C, large), [200, 'POST /a?b=c 300000 Bearer x plain']);
      assert.deepEqual(await ask({}), [200, 'GET /a?b=c 0 Bearer x plain']);
    }
    assert.deepEqual(upgraded, []);
  });

  it('hands over who asks for a WebSocket', async () => {
    assert.equal((await ask({ connection: 'Upgrade', upgrade: 'WebSocket' }))[0], 418);
    assert.deepEqual(upgraded, ['WebSocket']);
  });
});
