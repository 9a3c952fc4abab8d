// A mail's content over HTTP: whole, to whoever may read, and never run.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { gmailMailBytes } from '../../engine/gmail/mail/stored';
import { LARGE_BYTES, packMail, PIECE_BYTES } from '../../engine/ledger/content';
import type { Ledger } from '../../engine/ledger/ledger';
import { held } from '../ledger/held';
import { assertGuarded, openConsole, READ, refusedWith } from '../support/console';
import { until } from '../support/until';

/** Records a mail that waits. @param raw null: it is too large to be stored */
async function recorded(ledger: Ledger, raw: Buffer | null, keepContentMs = 0): Promise<string> {
  const workflowId = randomBytes(4).toString('hex');
  const source = { kind: 'imap', account: `${workflowId}@mail.example`, mailbox: 'INBOX' };
  const to = await ledger.subscribe({
    ...{ workflowId, nodeId: 'n1', source, retryDelaysMs: [], guarantee: 'atLeastOnce' },
    ...{ keepContentMs, retentionMs: 90 * 86_400_000, afterSuccess: null, whenDead: null },
  });
  await ledger.record({
    hold: await held(ledger, to.sourceId),
    messages: [
      {
        ...{ identity: `uid:1:1:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
        ...{ messageId: null, sender: null, subject: null, uid: 1, uidValidity: '1', receivedAt: 1 },
        ...{ size: raw?.length ?? 1, content: raw && (await packMail(raw)), due: [to.id] },
      },
    ],
    cursors: [],
  });
  const { events } = await ledger.events({ workflowId }, { limit: 1 });
  return events[0]!.id;
}

async function run(ledger: Ledger, id: string): Promise<void> {
  const event = await ledger.event(id);
  await ledger.markDone({ ids: [event!.id] });
}

describe("a mail's content over HTTP", { timeout: 120_000 }, () => {
  it('is the mail, octet by octet, small or in pieces, as a file that no browser runs', async () => {
    const open = await openConsole();
    try {
      const html = '<script>document.location = "http://evil.example"</script>';
      const small = Buffer.from(`Content-Type: text/html\r\n\r\n${html}`);
      for (const raw of [small, randomBytes(LARGE_BYTES + 3 * PIECE_BYTES + 17)]) {
        const id = await recorded(open.ledger, raw);
        const path = `/api/mails/${id}/content`;
        const content = await open.send(path, { headers: READ });
        assert.ok(content.body.equals(raw), 'it is the same');
        assertGuarded(content);
        assert.equal(content.headers['content-type'], 'message/rfc822');
        assert.equal(content.headers['content-disposition'], `attachment; filename="${id}.eml"`);
        assert.match(content.policy, /sandbox/);
        const head = await open.send(path, { method: 'HEAD', headers: READ });
        assert.deepEqual([head.status, head.body.length], [200, 0]);
      }
    } finally {
      await open.close();
    }
  });

  it('is no more than the mail, where its server said more of it', async () => {
    const open = await openConsole();
    const about = { id: '19a0', threadId: '19a1', labelIds: ['INBOX'], snippet: 'Hello', historyId: '1' };
    try {
      for (const raw of [Buffer.from('Subject: a\r\n\r\nHello'), randomBytes(LARGE_BYTES + 17)]) {
        const told = { ...about, internalDate: 1, sizeEstimate: raw.length };
        const id = await recorded(open.ledger, gmailMailBytes({ ...told, raw }, 'received'));
        const content = await open.send(`/api/mails/${id}/content`, { headers: READ });
        assert.ok(content.body.equals(raw), 'it is the same');
      }
    } finally {
      await open.close();
    }
  });

  it('is for nobody without a token, and is asked for by that alone', async () => {
    const open = await openConsole();
    try {
      const id = await recorded(open.ledger, Buffer.from('Subject: secret\r\n\r\nsecret'));
      const path = `/api/mails/${id}/content`;
      refusedWith(await open.send(path), 401, /Log in first/);
      refusedWith(
        await open.send(`${path}?token=${READ.authorization.slice(7)}`, { headers: READ }),
        400,
        /never into/,
      );
      refusedWith(
        await open.send(path, { headers: { ...READ, origin: 'http://evil.example' } }),
        403,
        /A page of/,
      );
      refusedWith(await open.send(path, { method: 'POST', headers: READ }), 405, /GET and HEAD/);
    } finally {
      await open.close();
    }
    const closed = await openConsole({ showMail: false });
    try {
      const id = await recorded(closed.ledger, Buffer.from('Subject: a\r\n\r\nb'));
      refusedWith(await closed.send(`/api/mails/${id}/content`, { headers: READ }), 403, /SHOW_MAIL/);
    } finally {
      await closed.close();
    }
  });

  it('says what became of one that is not there, and what keeps it', async () => {
    const open = await openConsole();
    try {
      const get = (id: string): ReturnType<typeof open.send> =>
        open.send(`/api/mails/${id}/content`, { headers: READ });
      refusedWith(await get('01a21d62-86db-7a3e-a829-9b12abf4a608'), 404, /not in the ledger/);
      refusedWith(await get('nonsense'), 404, /not in the ledger/);
      refusedWith(await get(await recorded(open.ledger, null)), 410, /larger than .*"Store Mails Up To"/);
      const raw = Buffer.from('Subject: a\r\n\r\nb');
      const done = await recorded(open.ledger, raw);
      await run(open.ledger, done);
      refusedWith(await get(done), 410, /let go .* at 20\d\d-.*Z\. .*"Keep Content For"/);
      const kept = await recorded(open.ledger, raw, 86_400_000);
      await run(open.ledger, kept);
      assert.ok((await get(kept)).body.equals(raw));
    } finally {
      await open.close();
    }
  });

  it('is not read on from the ledger while nobody takes it, and breaks off where it cannot be whole', async () => {
    let asked = 0;
    let isLetGo = false;
    const open = await openConsole({
      over: (ledger) => ({
        contentPiece: async (id, place) => {
          asked++;
          return isLetGo ? null : ledger.contentPiece(id, place);
        },
      }),
    });
    try {
      const raw = randomBytes(40 * PIECE_BYTES);
      const id = await recorded(open.ledger, raw);
      const got = await new Promise<{ length: number; isBroken: boolean }>((resolve, reject) => {
        const path = `/api/mails/${id}/content`;
        const req = request(
          { host: '127.0.0.1', port: open.port, path, headers: READ, agent: false },
          (res) => {
            res.pause();
            let length = 0;
            res.on('data', (chunk: Buffer) => (length += chunk.length));
            res.on('error', () => undefined);
            res.on('close', () => resolve({ length, isBroken: !res.complete }));
            void (async () => {
              // What lies on its way is some megabytes of the system's.
              let before = -1;
              await until('nothing more is asked for', async () => {
                const same = before === asked;
                before = asked;
                await new Promise((again) => setTimeout(again, 200));
                return same;
              });
              assert.ok(asked > 0 && asked < 30, `${asked} pieces of 40`);
              isLetGo = true;
              res.resume();
            })().catch(reject);
          },
        );
        req.on('error', reject);
        req.end();
      });
      assert.ok(got.isBroken && got.length < raw.length, 'nobody takes a part for the whole');
      assert.match(open.errors.join(), /was let go while it was handed out/);
    } finally {
      await open.close();
    }
  });
});
