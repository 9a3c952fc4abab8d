// What a person is told of a login or a mailbox that a server refuses: what is so, and nothing that leads to the wrong place.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImapFault } from '../../../engine/imap/session/fault';
import { ImapSession } from '../../../engine/imap/session/session';
import { selfSigned } from '../../support/certificate';
import { type Script, ScriptedImapServer, type ScriptedOptions } from '../../support/scripted-imap/server';

const signal = new AbortController().signal;

async function faultOf(
  { script = {}, ...options }: ScriptedOptions & { readonly script?: Script },
  mailbox = 'INBOX',
): Promise<ImapFault> {
  const server = await ScriptedImapServer.start(options);
  server.script = script;
  const { certificate } = options;
  const login = { ...server.login(), ...(certificate && { secure: true, ca: certificate.cert }) };
  try {
    const session = await ImapSession.connect(login, signal);
    await session.open(mailbox).finally(() => session.end());
    assert.fail('It was opened');
  } catch (error) {
    return error as ImapFault;
  } finally {
    await server.dispose();
  }
}

/** @param listing all that is answered to LIST */
const refusing =
  (how: string, listing?: string): NonNullable<Script['command']> =>
  (name, tag, args) => {
    if (name === 'EXAMINE') return `${tag} ${how}\r\n`;
    return name === 'LIST' && args !== '"" ""' ? listing?.replaceAll('TAG', tag) : undefined;
  };

describe('a login that is disabled (LOGINDISABLED)', () => {
  it('is cured by TLS where there is none', async () => {
    const { kind, message } = await faultOf({ capabilities: 'IMAP4rev1 LOGINDISABLED' });
    assert.equal(kind, 'tls');
    assert.match(message, /takes no password without encryption/);
  });

  it('is not cured by TLS where there is TLS: the text does not name it', async () => {
    const certificate = await selfSigned('127.0.0.1');
    const { kind, message } = await faultOf({ capabilities: 'IMAP4rev1 LOGINDISABLED', certificate });
    assert.equal(kind, 'login');
    assert.match(
      message,
      /takes no login with a password \(LOGINDISABLED\), though the connection is encrypted/,
    );
    assert.doesNotMatch(message, /SSL\/TLS|993|STARTTLS/);
  });
});

describe('a mailbox that cannot be opened', () => {
  it('is called locked where the server lists it, with the words of the server', async () => {
    for (const how of [
      'NO Unable to lock mailbox: Resource temporarily unavailable',
      'NO [INUSE] Mailbox in use',
      'NO [NOPERM] Permission denied',
    ]) {
      const { kind, message } = await faultOf({ script: { command: refusing(how) } });
      assert.equal(kind, 'locked');
      assert.match(
        message,
        /"INBOX" of "ann" on 127\.0\.0\.1 cannot be opened now \(.*\)\. It is there: it is tried again/,
      );
      assert.doesNotMatch(message, /Check Mailbox Name/);
    }
  });

  it('is a wrong name where the server does not list it', async () => {
    const script = { command: refusing('NO [NONEXISTENT] Mailbox does not exist') };
    const { kind, message } = await faultOf({ script, mailboxes: ['INBOX', 'Sent'] }, 'Inbux');
    assert.equal(kind, 'mailbox');
    assert.match(message, /\(Mailbox does not exist\)\. Check Mailbox Name\. There are: "INBOX", "Sent"\.$/);
  });

  it('is neither where the server lists nothing at the moment', async () => {
    const script = { command: refusing('NO Later', 'TAG NO Later\r\n') };
    const { kind, message } = await faultOf({ script });
    assert.equal(kind, 'locked');
    assert.match(message, /Its name may be right: it is tried again/);
  });

  it('says so where it is only a level of names', async () => {
    const listing =
      '* LIST () "/" "INBOX"\r\n* LIST (\\Noselect) "/" "Orders"\r\n* LIST () "/" "Orders/2026"\r\nTAG OK done\r\n';
    const { kind, message } = await faultOf(
      { script: { command: refusing('NO Cannot select', listing) } },
      'Orders',
    );
    assert.equal(kind, 'mailbox');
    assert.match(message, /only a level of other mailboxes' names.*There are: "INBOX", "Orders\/2026"/);
  });

  it('says so where its name is in raw UTF-8', async () => {
    const script = { command: refusing('NO Mailbox does not exist') };
    const { kind, message } = await faultOf({ script, mailboxes: ['INBOX', 'Entwürfe'] }, 'Entwürfe');
    assert.equal(kind, 'mailbox');
    assert.match(message, /writes its name in raw UTF-8.*Rename it there/);
  });

  it('is a wrong name in letters of any kind, where it is not listed', async () => {
    const script = { command: refusing('NO Mailbox does not exist') };
    const { kind, message } = await faultOf({ script, mailboxes: ['INBOX', 'Entw&APw-rfe'] }, 'Entwurfe');
    assert.equal(kind, 'mailbox');
    assert.match(message, /Check Mailbox Name\. There are: "INBOX", "Entwürfe"/);
  });
});
