// The reference library of Standard Webhooks is the judge of what is signed.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { plainSignature, standardSignature, webhookId } from '../../engine/outbox/webhook/sign';
import { WebhookFault } from '../../engine/outbox/webhook/webhook-url';

const secretOf = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`;
const aSecret = (): string => secretOf(randomBytes(32));

const verify = (secret: string, signature: string, id: string, timestamp: number, body: string): unknown =>
  new Webhook(secret).verify(body, {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature,
  });

describe('Signatures of webhooks', () => {
  const timestamp = Math.floor(Date.now() / 1000);

  it("the standard's library verifies what is signed, of any secret, id and JSON", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.string({ unit: 'grapheme' }),
        fc.json(),
        (bytes, key, body) => {
          const id = webhookId(key);
          assert.match(id, /^msg_[\w-]+$/);
          const signature = standardSignature([secretOf(bytes)], { id, timestamp, body: Buffer.from(body) });
          assert.deepEqual(verify(secretOf(bytes), signature, id, timestamp, body), JSON.parse(body));
        },
      ),
    );
  });

  it('while a secret is rotated the receiver may have the new one or the old one, and no other', () => {
    const [secret, previous] = [aSecret(), aSecret()];
    const signature = standardSignature([secret, previous], {
      id: 'msg_1',
      timestamp,
      body: Buffer.from('{}'),
    });
    assert.equal(signature.split(' ').length, 2);
    for (const one of [secret, previous]) verify(one, signature, 'msg_1', timestamp, '{}');
    assert.throws(() => verify(aSecret(), signature, 'msg_1', timestamp, '{}'));
    assert.throws(() => verify(secret, signature, 'msg_2', timestamp, '{}'));
    assert.throws(() => verify(secret, signature, 'msg_1', timestamp + 1, '{}'));
    assert.throws(() => verify(secret, signature, 'msg_1', timestamp, '{ }'));
  });

  it("it is what the standard's library signs", () => {
    const secret = aSecret();
    const theirs = new Webhook(secret).sign('msg_1', new Date(timestamp * 1000), '{"a":1}');
    assert.equal(
      standardSignature([secret], { id: 'msg_1', timestamp, body: Buffer.from('{"a":1}') }),
      theirs,
    );
  });

  it('a secret without its prefix is the same secret; what cannot be one is refused, and not shown', () => {
    const secret = aSecret();
    const signed = { id: 'msg_1', timestamp, body: Buffer.from('x') };
    assert.equal(standardSignature([secret.slice(6)], signed), standardSignature([secret], signed));
    for (const bad of [
      'whsec_c2hvcnQ=',
      'whsec_not base64 at all, but long enough',
      secretOf(randomBytes(65)),
      '',
    ]) {
      assert.throws(
        () => standardSignature([bad], signed),
        (error: Error) => error instanceof WebhookFault && (bad === '' || !error.message.includes(bad)),
      );
    }
  });

  it('the same key has the same id; two have two', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        assert.equal(webhookId(one) === webhookId(other), one === other);
      }),
    );
  });

  it('plain: the hex of HMAC-SHA256 over the bytes that are sent', () => {
    const body = Buffer.from('{"ü":"✓"}');
    assert.equal(plainSignature('geheim', body), createHmac('sha256', 'geheim').update(body).digest('hex'));
    // RFC 4231, test case 2.
    assert.equal(
      plainSignature('Jefe', Buffer.from('what do ya want for nothing?')),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });
});
