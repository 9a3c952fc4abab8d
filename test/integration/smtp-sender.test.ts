// The sender of mails against a server that does wrong what servers do wrong: what it says is held against what the server has.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type DueEntry, MOST_ENTRY_TEXT } from '../../engine/ledger/outbox';
import type { MailDraft } from '../../engine/outbox/mail/mail-content';
import type { MailRequest } from '../../engine/outbox/mail/mail-request';
import { readAnswer } from '../../engine/outbox/mail/smtp-answer';
import type { SmtpLogin } from '../../engine/outbox/mail/smtp-login';
import { SmtpSender } from '../../engine/outbox/mail/smtp-sender';
import type { TryEnd } from '../../engine/outbox/sender';
import { freePort } from '../support/net';
import { FaultySmtp, SMTP_PASSWORD, SMTP_TOKEN, type SmtpFaults } from '../support/smtp';
import { dueMail, loginAt, requestAt, senderFor, Tried, wordsOf } from '../support/smtp-sending';
import { until } from '../support/until';

let smtp: FaultySmtp;
let sender: SmtpSender;
before(async () => {
  smtp = await FaultySmtp.start();
  sender = senderFor(loginAt(smtp.port));
});
afterEach(async () => {
  smtp.faults = {};
  smtp.wire.cuts = () => null;
  smtp.accepted.length = 0;
  await sender.close();
  sender = senderFor(loginAt(smtp.port));
});
after(() => smtp.stop());

const THREE = 'bob@example.com, carl@example.com, dora@example.com';

interface Sent {
  readonly end: TryEnd;
  readonly entry: DueEntry;
  readonly tried: Tried;
}

async function send(
  draft: Partial<MailDraft> = {},
  changed: Partial<DueEntry> = {},
  tried = new Tried(),
): Promise<Sent> {
  const entry = await dueMail(requestAt(smtp.port), draft, changed);
  const end = await sender.send(entry, tried);
  for (const secret of [
    'secret text',
    SMTP_PASSWORD,
    Buffer.from(SMTP_PASSWORD).toString('base64'),
    SMTP_TOKEN,
  ])
    assert.ok(!wordsOf(end).includes(secret), wordsOf(end));
  return { end, entry, tried };
}

/** Sends under faults, each of which has to strike. */
async function sendUnder(faults: SmtpFaults, ...how: Parameters<typeof send>): Promise<Sent> {
  smtp.faults = faults;
  const struck = smtp.struck;
  const sent = await send(...how);
  assert.ok(smtp.struck > struck, 'the fault struck');
  return sent;
}

const has = ({ entry }: Sent): number => smtp.count(entry.messageId!);

describe('a mail is sent', () => {
  it('as it was queued, to all of its recipients, with the answer of the server', async () => {
    const sent = await send({ to: THREE, bcc: 'eve@example.com' });
    assert.deepEqual(sent.end, { end: 'sent', answer: '250 2.0.0 OK: queued as 4711' });
    assert.equal(sent.tried.handedOver, 1);
    const taken = smtp.accepted[0]!;
    assert.deepEqual(taken.to, [
      'bob@example.com',
      'carl@example.com',
      'dora@example.com',
      'eve@example.com',
    ]);
    assert.ok(!taken.raw.includes('eve@'));
    assert.match(taken.raw.toString(), /a secret text\r\n\.\r\n\.\.\r\n/, 'dots are as they were');
    assert.equal(has(sent), 1);
  });

  it('of any size', async () => {
    const content = Buffer.alloc(3_000_000, 'x.\r\n.\r\n');
    const sent = await send({ attachments: [{ filename: 'a.txt', contentType: 'text/plain', content }] });
    assert.equal(sent.end.end, 'sent');
    assert.ok(smtp.accepted[0]!.raw.length > 4_000_000);
  });

  it('over the connection that the one before has used, and over another where that has ended', async () => {
    const before = smtp.wire.connections;
    await send();
    await send();
    assert.equal(smtp.wire.connections - before, 1);
    smtp.wire.cut();
    await send();
    assert.equal(smtp.wire.connections - before, 2);
    // The server ends it, and the next mail goes out before that is noticed: that is no try.
    const sent = await sendUnder({ sender: 'cutOnce' });
    assert.equal(sent.end.end, 'sent', wordsOf(sent.end));
    assert.equal(smtp.wire.connections - before, 3);
    assert.equal(has(sent), 1);
    await sender.close();
    assert.equal((await sendUnder({ sender: 'cutOnce' })).end.end, 'failed', 'a new one that is cut is one');
    await sender.close();
    await until('no connection is left', () => smtp.wire.open === 0);
  });

  it('over another connection, where the server lets one carry so many', async () => {
    for (const then of [
      { code: 421, text: '4.7.0 Too many messages in this connection' },
      { code: 452, text: '4.5.3 Too many messages' },
    ]) {
      await sender.close();
      sender = senderFor(loginAt(smtp.port));
      const before = smtp.wire.connections;
      smtp.faults = { most: { mails: 2, then } };
      for (let at = 0; at < 5; at++) {
        const sent = await send();
        assert.deepEqual([sent.end.end, has(sent)], ['sent', 1], wordsOf(sent.end));
      }
      assert.equal(smtp.wire.connections - before, 3);
      // What is said over a new one, too, is said of the mail, or of the lane.
      await sendUnder({ sender: then });
      const { end } = await sendUnder({ sender: then });
      assert.ok(end.end === 'failed' && end.why === 'refused');
    }
  });

  it('by a login that is asked for anew for each connection', async () => {
    let asked = 0;
    await sender.close();
    sender = senderFor(async () => {
      asked++;
      return loginAt(smtp.port, { proof: { accessToken: SMTP_TOKEN } });
    });
    await send();
    await send();
    assert.equal(asked, 1);
    smtp.wire.cut();
    assert.equal((await send()).end.end, 'sent');
    assert.equal(asked, 2);
    assert.equal(smtp.logins.at(-1), 'XOAUTH2');
  });

  it('by another token, where the server does not take the one that n8n has', async () => {
    const asked: (string | undefined)[] = [];
    await sender.close();
    sender = senderFor(async (_, __, rejected) => {
      asked.push(rejected);
      return loginAt(smtp.port, { proof: { accessToken: rejected === 'ended' ? SMTP_TOKEN : 'ended' } });
    });
    assert.equal((await send()).end.end, 'sent');
    assert.deepEqual(asked, [undefined, 'ended']);
    // Where there is no other one, it is asked for once.
    await sender.close();
    asked.length = 0;
    sender = senderFor(async (_, __, rejected) => {
      asked.push(rejected);
      if (asked.length === 4) throw new Error('It cannot be refreshed');
      return loginAt(smtp.port, { proof: { accessToken: 'ended' } });
    });
    for (const of of ['the same', 'none'])
      assert.match(wordsOf((await send()).end), /rejected the login .* Reconnect the credential "Shop"/, of);
    assert.deepEqual(asked, [undefined, 'ended', undefined, 'ended']);
  });

  it('without a login where there is none', async () => {
    const logins = smtp.logins.length;
    sender = senderFor(loginAt(smtp.port, { user: '', proof: null }));
    assert.equal((await send()).end.end, 'sent');
    assert.equal(smtp.logins.length, logins);
  });

  it('by a slow server', async () => {
    const sent = await sendUnder({ slowMs: 300 });
    assert.equal(sent.end.end, 'sent');
  });
});

describe('a mail is tried again, and the server has it not', () => {
  const FAULTS: readonly (readonly [string, SmtpFaults, 'connection' | 'refused', RegExp])[] = [
    ['it says "not now" to the mail', { mail: { code: 451, text: '4.3.0 Try again' } }, 'refused', /451/],
    ['it says "not now" to the sender', { sender: { code: 450, text: '4.7.1 Later' } }, 'refused', /450/],
    ['the dialogue went wrong', { sender: { code: 503, text: '5.5.1 Bad sequence' } }, 'refused', /503/],
    ['greylisting', { recipient: () => ({ code: 450, text: '4.2.0 Greylisted' }) }, 'refused', /Greylisted/],
    ['it is full', { connect: { code: 421, text: '4.3.2 Too many connections' } }, 'refused', /421/],
    ['it does not greet', { connect: 'silent' }, 'connection', /did not greet as an SMTP server/],
  ];
  for (const [what, faults, why, words] of FAULTS)
    it(what, async () => {
      const sent = await sendUnder(faults);
      assert.ok(sent.end.end === 'failed', wordsOf(sent.end));
      assert.equal(sent.end.why, why);
      assert.match(sent.end.error, words);
      assert.equal(has(sent), 0);
      smtp.faults = {};
      assert.equal((await send({}, { ...sent.entry, tries: 2 })).end.end, 'sent');
      assert.equal(has(sent), 1);
    });

  const attachments = [{ filename: 'a', contentType: null, content: Buffer.alloc(20_000_000, 'x') }];

  it('the wire is cut inside the mail', async () => {
    const sent = await sendUnder({ mail: 'beforeEnd' }, { attachments });
    assert.ok(sent.end.end === 'failed' && sent.end.why === 'connection');
    assert.match(sent.end.error, /lost.*not been handed over/);
    assert.equal(sent.tried.handedOver, 0);
    assert.equal(has(sent), 0);
  });

  it('it falls silent inside the mail', async () => {
    smtp.wire.cuts = () => ({ of: 'client', octets: 100_000, silently: true });
    const sent = await send({ attachments });
    assert.ok(sent.end.end === 'failed' && sent.end.why === 'connection');
    assert.match(sent.end.error, /fell silent.*not been handed over/);
    assert.equal(sent.tried.handedOver, 0);
    assert.equal(has(sent), 0);
    smtp.wire.cut();
  });

  it('nobody is there, or nobody of that name', async () => {
    const port = await freePort();
    for (const [login, words] of [
      [loginAt(port), /refused the connection.*credential "Shop" \(SMTP\)/],
      [loginAt(port, { host: 'no-such-host.invalid' }), /host "no-such-host.invalid" was not found/],
    ] as const) {
      sender = senderFor(login);
      const { end } = await send();
      assert.ok(end.end === 'failed' && end.why === 'connection');
      assert.match(end.error, words);
    }
  });
});

describe('a login that is refused', () => {
  const refused = async (login: SmtpLogin): Promise<Extract<TryEnd, { end: 'failed' }>> => {
    sender = senderFor(login);
    const { end } = await send();
    assert.ok(end.end === 'failed', wordsOf(end));
    return end;
  };

  it('is said as that, the mail is tried again, and no other is tried at once', async () => {
    const end = await refused(loginAt(smtp.port, { proof: { password: 'wrong' } }));
    assert.equal(end.why, 'refused');
    assert.match(
      end.error,
      /rejected the login of "ann@example\.com" \(535 .*User and Password in the credential "Shop"/,
    );
    assert.ok(end.laneRestsMs! > 0);
    const token = await refused(loginAt(smtp.port, { proof: { accessToken: 'old' } }));
    assert.match(token.error, /rejected the login.*Reconnect the credential/);
  });

  it('shows no password, whatever the server repeats', async () => {
    const secrets = [SMTP_PASSWORD, Buffer.from(`\0ann@example.com\0${SMTP_PASSWORD}`).toString('base64')];
    for (const secret of secrets) {
      smtp.faults = { login: { code: 535, text: `not ${secret}` } };
      const end = await refused(loginAt(smtp.port));
      assert.match(end.error, /not \*\*\*/);
      assert.ok(!JSON.stringify(end).includes(secret));
    }
  });

  it('that is asked for later (530), too', async () => {
    const end = await (async () => {
      smtp.faults = { sender: { code: 530, text: '5.7.0 Authentication required' } };
      return refused(loginAt(smtp.port, { user: '', proof: null }));
    })();
    assert.match(end.error, /asks for a login.*Enter User and Password/);
  });

  it('is not what is refused where it was let in', async () => {
    for (const code of [530, 534, 535, 538]) {
      const reply = { code, text: '5.7.0 No relaying for you' };
      for (const faults of [{ recipient: () => reply }, { mail: reply }]) {
        const { end } = await sendUnder(faults);
        assert.ok(end.end === 'refused', wordsOf(end));
        assert.match(end.error, /refused the mail for good \(53\d 5\.7\.0 No relaying/);
      }
    }
  });

  it('that is not there gives the mail back', async () => {
    sender = senderFor(() => Promise.reject(new Error('The credential "Shop" is gone.')));
    const { end } = await send();
    assert.ok(end.end === 'returned' && end.isLacking);
    assert.match(end.error, /The credential "Shop" is gone/);
  });
});

describe('a mail is refused for good', () => {
  it('by 5xx to its sender, its recipient, or itself', async () => {
    const reply = { code: 550, text: '5.7.1 Not here' };
    for (const faults of [{ sender: reply }, { recipient: () => reply }, { mail: reply }]) {
      const sent = await sendUnder(faults);
      assert.ok(sent.end.end === 'refused', wordsOf(sent.end));
      assert.match(sent.end.error, /refused the mail for good.*550 5\.7\.1 Not here/);
      assert.equal(has(sent), 0);
    }
  });

  it('that is larger than the server takes', async () => {
    const small = await FaultySmtp.start({ size: 1_000 });
    try {
      const attachments = [{ filename: 'a', contentType: null, content: Buffer.alloc(5_000) }];
      const entry = await dueMail(requestAt(small.port), { attachments });
      const end = await senderFor(loginAt(small.port)).send(entry, new Tried());
      assert.ok(end.end === 'refused');
      assert.match(end.error, /no mail as large|552/);
    } finally {
      await small.stop();
    }
  });

  it('whose content is damaged; one of another version is given back', async () => {
    const broken = await send({}, { content: Buffer.from('no mail') });
    assert.equal(broken.end.end, 'refused');
    const later = await send({}, { request: { form: 2 } });
    assert.equal(later.end.end, 'returned');
    assert.match(wordsOf(later.end), /another version/);
  });
});

describe('of several recipients', () => {
  for (const pipelines of [true, false])
    it(`those that are refused for good are named, the others have it${pipelines ? '' : ', without pipelining'}`, async () => {
      const server = await FaultySmtp.start({ hidePIPELINING: !pipelines });
      try {
        server.faults = {
          recipient: (address) =>
            address.startsWith('carl') ? { code: 550, text: '5.1.1 No such user' } : null,
        };
        const entry = await dueMail(requestAt(server.port), { to: THREE });
        const end = await senderFor(loginAt(server.port)).send(entry, new Tried());
        assert.ok(end.end === 'sent', wordsOf(end));
        assert.deepEqual(readAnswer(end.answer), {
          ...{ response: '250 2.0.0 OK: queued as 4711', places: [], uncounted: 0 },
          refused: [{ address: 'carl@example.com', response: '550 5.1.1 No such user' }],
        });
        assert.deepEqual(server.accepted[0]?.to, ['bob@example.com', 'dora@example.com']);
      } finally {
        await server.stop();
      }
    });

  for (const pipelines of [true, false])
    it(`one that is refused for now is waited for, and nobody gets it twice${pipelines ? '' : ', without pipelining'}`, async () => {
      const server = await FaultySmtp.start({ hidePIPELINING: !pipelines });
      const recipient = (address: string): { code: number; text: string } | null =>
        address.startsWith('carl') ? { code: 450, text: '4.2.0 Greylisted' } : null;
      try {
        const own = senderFor(loginAt(server.port));
        const entry = await dueMail(requestAt(server.port), { to: THREE });
        // What was not reached before counts apart.
        for (const refusals of [0, 1]) {
          server.faults = { recipient };
          const tried = new Tried();
          const end = await own.send({ ...entry, tries: refusals + 4, refusals }, tried);
          assert.ok(end.end === 'failed' && end.why === 'refused', wordsOf(end));
          assert.match(
            end.error,
            /not take the mail for everybody now \(carl@example\.com: 450 4\.2\.0 Greylisted/,
          );
          assert.equal(tried.handedOver, 0);
          assert.equal(server.accepted.length, 0);
        }
        // Greylisting lets it in: all have it at once.
        server.faults = {};
        assert.deepEqual(await own.send({ ...entry, tries: 5, refusals: 1 }, new Tried()), {
          ...{ end: 'sent', answer: '250 2.0.0 OK: queued as 4711' },
        });
        assert.equal(server.accepted[0]?.to.length, 3);
        // A mailbox that stays full holds up the others no longer, and is named.
        server.faults = { recipient };
        const end = await own.send({ ...entry, tries: 3, refusals: 2 }, new Tried());
        assert.ok(end.end === 'sent');
        assert.deepEqual(readAnswer(end.answer).refused, [
          { address: 'carl@example.com', response: '450 4.2.0 Greylisted' },
        ]);
        // Nor where no try is left to wait for.
        const last = await own.send({ ...entry, tries: 8, refusals: 1 }, new Tried());
        assert.equal(last.end, 'sent', wordsOf(last));
        await own.close();
      } finally {
        await server.stop();
      }
    });

  it('more of them are refused than the log has room for: the others are there by their places', async () => {
    const many = Array.from({ length: 60 }, (_, at) => `customer-${at}@example.com`);
    const isRefused = (address: string): boolean => /^customer-(\d|[24]\d|5[13])@/.test(address);
    const recipient = (address: string): { code: number; text: string } | null =>
      isRefused(address) ? { code: 550, text: '5.1.1 No such user' } : null;
    const { end } = await sendUnder({ recipient }, { to: many.join(', ') });
    assert.ok(end.end === 'sent' && end.answer.length <= MOST_ENTRY_TEXT);
    assert.match(end.answer, /\nNot to \d+ more: recipients \d+-\d+, 41-50, 52, 54$/);
    const { refused, places, uncounted } = readAnswer(end.answer);
    assert.equal(uncounted, 0);
    assert.deepEqual(
      [...refused.map(({ address }) => address), ...places.map((at) => many[at])],
      many.filter(isRefused),
    );
  });

  it('all are refused: for good only where none may have it later', async () => {
    const codes: Record<string, number> = { bob: 550, carl: 450, dora: 550 };
    const recipient = (address: string): { code: number; text: string } => ({
      code: codes[address.split('@')[0]!]!,
      text: 'no',
    });
    assert.equal((await sendUnder({ recipient }, { to: THREE })).end.end, 'failed');
    codes['carl'] = 553;
    const { end } = await sendUnder({ recipient }, { to: THREE });
    assert.ok(end.end === 'refused');
    assert.match(end.error, /bob@example\.com: 550 no; carl@example\.com: 553 no; dora/);
  });
});

describe('a mail is in doubt', () => {
  it('where the wire is cut after its end, or nobody answers', async () => {
    for (const [mail, words] of [
      ['afterEnd', /connection to .* was lost after it had the whole mail/],
      ['silentAfter', /did not answer after it had the whole mail/],
    ] as const) {
      const recipient = (address: string): { code: number; text: string } | null =>
        address.startsWith('carl') ? { code: 550, text: '5.1.1 No such user' } : null;
      const sent = await sendUnder({ mail, recipient }, { to: THREE });
      assert.ok(sent.end.end === 'unknown', wordsOf(sent.end));
      assert.match(sent.end.error, words);
      assert.equal(sent.end.heard, '\nNot to carl@example.com: 550 5.1.1 No such user');
      assert.equal(has(sent), 1, 'it has it');
      assert.equal(sent.tried.handedOver, 1);
    }
  });
});

describe('the end of a mail is held back', () => {
  it('until it may be handed over: so the server has not got it', async () => {
    const tried = new Tried();
    let let_: (may: boolean) => void = () => undefined;
    tried.mayHandOver = () => new Promise((resolve) => (let_ = resolve));
    const entry = await dueMail(requestAt(smtp.port));
    const sending = sender.send(entry, tried);
    await until('it asks', () => tried.handedOver === 1);
    assert.equal(smtp.accepted.length, 0);
    let_(true);
    assert.equal((await sending).end, 'sent');
    assert.equal(smtp.count(entry.messageId!), 1);
  });

  it('where it is another’s by now, it is let go', async () => {
    const tried = new Tried();
    tried.mayHandOver = () => false;
    const sent = await send({}, {}, tried);
    assert.equal(sent.end.end, 'returned');
    assert.equal(has(sent), 0);
  });

  it('where the ledger cannot be asked, that is no end of the mail', async () => {
    const tried = new Tried();
    tried.mayHandOver = () => Promise.reject(new Error('The database is away'));
    await assert.rejects(send({}, {}, tried), /The database is away/);
    assert.equal(smtp.accepted.length, 0);
  });

  it('where the process ends, it is let go; one that was handed over waits for its answer', async () => {
    const tried = new Tried();
    tried.mayHandOver = async () => {
      tried.stop();
      return true;
    };
    const sent = await send({}, {}, tried);
    assert.equal(sent.end.end, 'returned');
    assert.equal(has(sent), 0);
    const late = new Tried();
    smtp.faults = { slowMs: 200 };
    const entry = await dueMail(requestAt(smtp.port));
    const sending = sender.send(entry, late);
    await until('the server has it', () => smtp.accepted.length === 1);
    late.stop();
    assert.equal((await sending).end, 'sent');
    const early = new Tried();
    early.stop();
    assert.equal((await send({}, {}, early)).end.end, 'returned');
  });

  it('where the connection breaks meanwhile, it has failed', async () => {
    const tried = new Tried();
    tried.mayHandOver = async () => {
      smtp.wire.cut();
      await until('it is seen', () => smtp.wire.open === 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return true;
    };
    const sent = await send({}, {}, tried);
    assert.equal(sent.end.end, 'failed');
    assert.equal(has(sent), 0);
  });
});

describe('one in doubt is looked for', () => {
  const look = async (
    found: boolean | Error,
    changed: Partial<DueEntry> = {},
    of: Partial<MailRequest> = {},
    signal = new AbortController().signal,
  ): Promise<unknown> => {
    const findSent = (): Promise<boolean> =>
      found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    const own = new SmtpSender({ loginOf: () => Promise.reject(new Error('none')), findSent });
    const entry = await dueMail(requestAt(smtp.port, of), {}, { state: 'UNKNOWN', ...changed });
    return own.look(entry, signal);
  };

  it('in Sent, where there is one that can be searched', async () => {
    assert.equal(await look(true), 'sent');
    assert.equal(await look(false), 'notSent');
    assert.deepEqual(await look(new Error('no such mailbox')), { cannot: 'no such mailbox' });
    assert.equal(await look(new Error('it ends'), {}, {}, AbortSignal.abort()), null);
    assert.equal(await look(true, {}, { sent: null }), null);
    assert.equal(await look(true, { messageId: null }), null);
    const entry = await dueMail(requestAt(smtp.port));
    assert.equal(await sender.look(entry, new AbortController().signal), null);
    assert.equal(sender.canLook(entry), false);
  });
});
