// Where a credential may be sent: by the rules of n8n's HTTP Request node.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDomain } from '../../engine/outbox/webhook/allowed-domains';
import { WebhookFault } from '../../engine/outbox/webhook/webhook-url';

const CREDENTIAL = { id: '1', name: 'API', type: 'httpHeaderAuth' };

const check = (url: string, data: object): void => checkDomain(CREDENTIAL, { ...data }, new URL(url));
const only = (allowedDomains: unknown): object => ({ allowedHttpRequestDomains: 'domains', allowedDomains });

describe('A credential', () => {
  it('goes to the domains that are named, and below those with a star', () => {
    const rules: readonly [domains: string, url: string, isAllowed: boolean][] = [
      ['api.example.com', 'https://api.example.com/hook', true],
      ['api.example.com', 'http://api.example.com:8080/hook', true],
      ['api.example.com', 'https://API.example.com./hook', true],
      [' one.example ,, API.Example.com. ', 'https://api.example.com/', true],
      ['api.example.com', 'https://example.com/', false],
      ['example.com', 'https://api.example.com/', false],
      ['example.com', 'https://example.com.evil.example/', false],
      ['example.com', 'https://notexample.com/', false],
      ['example.com', 'https://evil.example/example.com?example.com', false],
      ['*.example.com', 'https://api.example.com/', true],
      ['*.example.com', 'https://v2.api.example.com./', true],
      ['*.example.com', 'https://example.com/', false],
      ['*.example.com', 'https://notexample.com/', false],
      ['api.*.com', 'https://api.example.com/', false],
      ['*', 'https://example.com/', false],
      ['*.', 'https://example.com/', false],
      ['*..', 'https://example.com../', false],
      ['https://example.com', 'https://example.com/', false],
      ['10.0.0.7', 'http://10.0.0.7:8080/', true],
      ['[::1]', 'http://[::1]:8080/', true],
      [',', 'https://example.com/', false],
    ];
    for (const [domains, url, isAllowed] of rules) {
      const ask = (): void => check(url, only(domains));
      if (isAllowed) assert.doesNotThrow(ask, `${domains}: ${url}`);
      else assert.throws(ask, WebhookFault, `${domains}: ${url}`);
    }
  });

  it('goes everywhere where nothing, or all, is said, whatever was named before', () => {
    for (const data of [
      {},
      { allowedHttpRequestDomains: 'all', allowedDomains: 'example.com' },
      { allowedDomains: 'example.com' },
    ])
      assert.doesNotThrow(() => check('https://evil.example/', data));
  });

  it('that may not go there is named, with the host and the option, and nothing of what is in it', () => {
    const refused: readonly [data: object, why: RegExp][] = [
      [{ allowedHttpRequestDomains: 'none' }, /is "None"/],
      [only('  '), /none is named/],
      [only(undefined), /none is named/],
      [only('internal.example.com'), /names others/],
    ];
    for (const [data, why] of refused) {
      assert.throws(
        () => check('https://evil.example:8443/TOKEN?a=b', { ...data, value: 'TOKEN' }),
        ({ message }: Error) =>
          why.test(message) &&
          /"API" may not be sent to evil\.example: .*"Allowed HTTP Request Domains"/.test(message) &&
          !/TOKEN|internal/.test(message),
      );
    }
  });
});
