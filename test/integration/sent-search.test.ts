// An email in doubt is looked for in Sent: in a real Dovecot over IMAP, by password and by token, and in the fake of Gmail by its API;
// what cannot be asked is said, and is never "it is not there".
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type { IExecuteFunctions } from 'n8n-workflow';
import { isInSent } from '../../engine/imap/find/sent';
import type { MailRequest } from '../../engine/outbox/mail/mail-request';
import { findSent } from '../../nodes/host/outgoing/find-sent';
import { hasMailboxBeside, imapBeside } from '../../nodes/host/outgoing/sent-login';
import { credentialOfNode } from '../../nodes/host/outgoing/stored-credential';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { FakeGmail } from '../support/gmail/fake';
import { rawMail } from '../support/mails';
import { OAuthServer } from '../support/oauth';
import { scriptedMail } from '../support/scripted-imap/mail';
import { ScriptedImapServer } from '../support/scripted-imap/server';
import { requestAt } from '../support/smtp-sending';

const ID = '<0123456789abcdef@shop.example.com>';
const OTHER = '<0123456789abcde@shop.example.com>';
const signal = new AbortController().signal;

/** As a run leaves it in this process. */
async function sentAt(type: string, data: object, mailbox: string | null = null): Promise<MailRequest> {
  const id = randomUUID();
  const context = {
    getCredentials: async () => data,
    getNode: () => ({ credentials: { [type]: { id, name: 'Office' } } }),
  } as unknown as IExecuteFunctions;
  const { credential } = await credentialOfNode(context, type);
  return requestAt(25, { sent: { credential, mailbox } });
}

describe('an email in doubt', { timeout: 120_000 }, () => {
  const cleanup = new Cleanup();
  let provider: OAuthServer;
  let dovecot: Dovecot;
  let users = 0;
  const user = (): string => `shop${++users}`;

  before(async () => {
    provider = await cleanup.of(OAuthServer.start());
    dovecot = await cleanup.of(
      Dovecot.start({ sent: 'Gone out', introspectionUrl: provider.introspectionUrl }),
    );
  });
  after(() => cleanup.run());

  const imap = (name: string, changed: object = {}): object => {
    const { host, port, proof } = dovecot.login(name);
    const { password } = proof as { password: string };
    return { user: name, password, host, port, secure: false, allowUnauthorizedCerts: false, ...changed };
  };
  const file = (name: string, mailbox = 'Gone out'): Promise<void> =>
    dovecot.append(
      name,
      [rawMail({ subject: 'Other', messageId: OTHER }), rawMail({ subject: 'Order', messageId: ID })],
      mailbox,
    );

  it('is found by its Message-ID in the mailbox that the server names as Sent, and nothing else is', async () => {
    const shop = user();
    const request = await sentAt('imap', imap(shop));
    assert.equal(await findSent(request, ID, signal), false);
    await file(shop);
    assert.equal(await findSent(request, ID, signal), true);
    assert.equal(await findSent(request, ID.replace('0', '9'), signal), false);
    // A part of an id is another mail's.
    assert.equal(await findSent(request, '<9@shop.example.com>', signal), false);
    const many = await Promise.all(Array.from({ length: 5 }, () => findSent(request, ID, signal)));
    assert.deepEqual(many, Array(5).fill(true));
  });

  it('is found in a mailbox that a person has named', async () => {
    const shop = user();
    const client = await dovecot.client(shop);
    await client.mailboxCreate('Archive');
    await client.logout();
    await file(shop, 'Archive');
    const type = 'durableImap';
    const data = imap(shop, { startTls: 'never' });
    assert.equal(await findSent(await sentAt(type, data, 'Archive'), ID, signal), true);
    assert.equal(await findSent(await sentAt(type, data), ID, signal), false);
  });

  it('is found with an OAuth2 login, whose token is refreshed where no node runs, also one that the server does not take', async () => {
    const shop = user();
    await file(shop);
    provider.user = shop;
    const stored = (access_token: string, endsInMs: number): object => ({
      ...imap(shop),
      ...{ provider: 'other', startTls: 'never', otherAccessTokenUrl: provider.tokenUrl },
      ...{ clientId: 'n8n', clientSecret: 'client-secret' },
      oauthTokenData: {
        ...{ access_token, refresh_token: provider.grant() },
        n8n_expires_at: String(Date.now() + endsInMs),
      },
    });
    for (const data of [stored('ended', 0), stored('revoked', 3_600_000)]) {
      const request = await sentAt('durableImapOAuth2Api', data);
      assert.equal(await findSent(request, ID, signal), true);
    }
    assert.equal(provider.refreshed, 2);
  });

  it('that cannot be looked for is never "not there", and why is said without a secret', async () => {
    const shop = user();
    for (const [data, mailbox, words] of [
      [
        imap(shop, { password: 'wrong-pass' }),
        null,
        /password.*"Office" \(IMAP\)|"Office" \(IMAP\).*password/i,
      ],
      [imap(shop), 'Nowhere', /mailbox "Nowhere" .* cannot be opened/],
      [imap(shop, { port: 9 }), null, /refused the connection/],
      [imap(shop, { host: '' }), null, /Host is empty in the credential "Office"/],
    ] as const)
      await assert.rejects(
        sentAt('imap', data, mailbox).then((request) => findSent(request, ID, signal)),
        (error: Error) => {
          assert.match(error.message, words);
          assert.doesNotMatch(error.message, /wrong-pass/);
          return true;
        },
      );
    const nobodys = requestAt(25, {
      sent: { credential: { id: 'none', name: 'Gone', type: 'imap' }, mailbox: null },
    });
    await assert.rejects(
      findSent(nobodys, ID, signal),
      /no run in this process had the credential "Gone" \(IMAP\)/,
    );
    // One that failed holds up no other, and one that is stopped ends.
    await file(shop);
    const request = await sentAt('imap', imap(shop));
    await assert.rejects(findSent(request, ID, AbortSignal.abort(new Error('it ends'))), /it ends/);
    assert.equal(await findSent(request, ID, signal), true);
  });

  it('is not looked for in a guess: an account without a Sent mailbox says so', async () => {
    const plain = await cleanup.of(Dovecot.start());
    await assert.rejects(isInSent(plain.login('ann'), null, ID, signal), /Enter its name as "Sent Mailbox"/);
    const client = await plain.client('ann');
    await client.mailboxCreate('Sent Items');
    await client.logout();
    assert.equal(await isInSent(plain.login('ann'), null, ID, signal), false);
  });
});

describe('an email in doubt, where a server does not search as it should', { timeout: 60_000 }, () => {
  it('is looked for among the newest; what is beyond them stays open, if the server does not search at all', async () => {
    const server = await ScriptedImapServer.start({ mailboxes: ['INBOX', 'Sent'] });
    server.mails = Array.from({ length: 60 }, (_, index) => scriptedMail(index + 1));
    const look = (uid: number): Promise<boolean> =>
      isInSent(server.login(), null, `<${uid}@example.com>`, signal);
    try {
      // Its index is behind.
      server.script.search = (tag) => `* SEARCH\r\n${tag} OK done\r\n`;
      assert.deepEqual([await look(60), await look(11), await look(61)], [true, true, false]);
      server.script.search = (tag) => `${tag} NO not here\r\n`;
      assert.equal(await look(60), true);
      await assert.rejects(look(61), /does not search/);
    } finally {
      await server.dispose();
    }
  });
});

describe('an email in doubt of a Gmail account', { timeout: 60_000 }, () => {
  let gmail: FakeGmail;
  const fetchOfNode = globalThis.fetch;
  before(async () => {
    gmail = await FakeGmail.start();
    // Google's hosts, in this process.
    globalThis.fetch = (url, init) =>
      fetchOfNode(
        (url as string)
          .replace('https://gmail.googleapis.com', gmail.url)
          .replace('https://oauth2.googleapis.com/token', gmail.tokenUrl),
        init,
      );
  });
  afterEach(() => gmail.oauth.revoke('ann@example.com'));
  after(async () => {
    globalThis.fetch = fetchOfNode;
    await gmail.close();
  });

  const stored = (access_token: string, refresh_token: string): object => ({
    ...{ clientId: 'n8n', clientSecret: 'client-secret' },
    oauthTokenData: { access_token, refresh_token, n8n_expires_at: String(Date.now() + 3_600_000) },
  });

  it("is found by Gmail's search, wherever it is by now, with a token that is refreshed", async () => {
    const ann = gmail.account('ann@example.com');
    const request = await sentAt('gmailOAuth2', stored('ended', gmail.oauth.grant(ann.address)));
    ann.deliver({ messageId: OTHER });
    assert.equal(await findSent(request, ID, signal), false);
    ann.deliver({ messageId: ID }, { labels: ['SENT', 'TRASH'] });
    assert.equal(await findSent(request, ID, signal), true);
  });

  it('is never "not there" where Google does not let us in', async () => {
    const request = await sentAt('gmailOAuth2', stored('ended', 'revoked'));
    await assert.rejects(findSent(request, ID, signal), /credential "Office" \(Gmail OAuth2 API\)/);
  });
});

describe('the mailbox beside an SMTP server', () => {
  it("is Gmail's, with the login that sends", async () => {
    const at = (host: string): boolean => hasMailboxBeside({ ...requestAt(465).login, host });
    assert.deepEqual(
      [at('SMTP.gmail.com'), at('smtp.office365.com'), at('mail.example.com')],
      [true, false, false],
    );
    const login = {
      ...({ host: 'smtp.gmail.com', port: 465, secure: true, startTls: 'never', clientName: '' } as const),
      ...{ user: 'ann@gmail.com', credential: '"Office" (SMTP)' },
    };
    const { host, port, secure, user, proof } = await imapBeside(async (rejected) => ({
      ...login,
      proof: { accessToken: rejected === undefined ? 'first' : 'second' },
    }));
    assert.deepEqual([host, port, secure, user], ['imap.gmail.com', 993, true, 'ann@gmail.com']);
    assert.ok('accessToken' in proof && proof.accessToken === 'first');
    assert.equal(await proof.renew?.(), 'second');
    const byPassword = await imapBeside(async () => ({ ...login, proof: { password: 'app' } }));
    assert.deepEqual(byPassword.proof, { password: 'app' });
    await assert.rejects(
      imapBeside(async () => ({ ...login, host: 'mail.example.com', proof: null })),
      /"Office" \(SMTP\) opens no mailbox/,
    );
  });
});
