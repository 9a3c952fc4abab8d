// Google's token endpoint: refresh tokens (RFC 6749, 6) and service accounts (RFC 7523), and whose a token is.
import { randomUUID } from 'node:crypto';
import { type Answer, ApiError, json } from './http';
import { isSignedBy, readClaims } from './jwt';

/** Whoever asks for a person's consent: an app, with a Google Cloud project of its own. */
export interface OAuthClient {
  /** The reason for which everything is refused to it, such as accessNotConfigured. */
  forbidden?: string;
}

export interface Bearer {
  readonly address: string;
  readonly scopes: readonly string[];
  readonly client?: OAuthClient | undefined;
}

interface ServiceAccount {
  readonly publicKey: string;
  /** For whom it may sign in. */
  readonly delegates: readonly string[];
}

const FULL = ['https://mail.google.com/'];
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const PATIENCE_S = 300;

export class OAuth {
  readonly #tokens = new Map<string, Bearer>();
  readonly #grants = new Map<string, Bearer>();
  readonly #services = new Map<string, ServiceAccount>();
  /** How long the tokens that it hands out are said to be good, in seconds. */
  lifetime = 3600;
  /** How often a refresh token was changed for an access token. */
  refreshed = 0;
  /** How often a service account got an access token. */
  asserted = 0;

  /** @returns a refresh token */
  grant(address: string, scopes: readonly string[] = FULL, client?: OAuthClient): string {
    const grant = `1//${randomUUID()}`;
    this.#grants.set(grant, { address: address.toLowerCase(), scopes, client });
    return grant;
  }

  /** @returns an access token, good until `expire` or `revoke` */
  issue(address: string, scopes: readonly string[] = FULL, client?: OAuthClient): string {
    const token = `ya29.${randomUUID()}`;
    this.#tokens.set(token, { address: address.toLowerCase(), scopes, client });
    return token;
  }

  /** No access token that was handed out is good any more; of the account, or of all. */
  expire(address?: string): void {
    for (const [token, bearer] of this.#tokens) {
      if (address === undefined || bearer.address === address.toLowerCase()) this.#tokens.delete(token);
    }
  }

  /** Nothing that was handed out for the account is good any more, refresh tokens neither. */
  revoke(address: string): void {
    for (const tokens of [this.#tokens, this.#grants]) {
      for (const [token, bearer] of tokens)
        if (bearer.address === address.toLowerCase()) tokens.delete(token);
    }
  }

  /** @param publicKey PEM @param delegates the accounts that it may act for */
  addService(email: string, publicKey: string, delegates: readonly string[]): void {
    this.#services.set(email, { publicKey, delegates });
  }

  removeService(email: string): void {
    this.#services.delete(email);
  }

  /** @throws ApiError 401 */
  bearer(authorization: string | undefined): Bearer {
    const bearer = this.#tokens.get(/^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
    if (bearer) return bearer;
    throw new ApiError(
      401,
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    );
  }

  /** The account that a token is asked for; empty: nobody knows. */
  whose(form: URLSearchParams): string {
    const { sub, iss } = readClaims(form.get('assertion') ?? '') ?? {};
    const known = this.#grants.get(form.get('refresh_token') ?? '')?.address ?? sub ?? iss;
    return typeof known === 'string' ? known.toLowerCase() : '';
  }

  /** @param tokenUrls what an assertion may be meant for */
  answer(form: URLSearchParams, tokenUrls: readonly string[]): Answer {
    const type = form.get('grant_type');
    if (type === 'refresh_token') {
      const bearer = this.#grants.get(form.get('refresh_token') ?? '');
      if (!bearer) return refused('invalid_grant', 'Token has been expired or revoked.');
      this.refreshed++;
      return this.#handOut(bearer);
    }
    if (type === JWT_BEARER) return this.#assertion(form.get('assertion') ?? '', tokenUrls);
    return refused('unsupported_grant_type', `Invalid grant_type: ${type ?? ''}`);
  }

  #assertion(assertion: string, tokenUrls: readonly string[]): Answer {
    const { iss, sub, scope, aud, iat, exp } = readClaims(assertion) ?? {};
    const service = this.#services.get(String(iss));
    if (!service) return refused('invalid_grant', 'Invalid grant: account not found');
    if (!isSignedBy(assertion, service.publicKey)) return refused('invalid_grant', 'Invalid JWT Signature.');
    if (!tokenUrls.includes(String(aud)))
      return refused('invalid_grant', 'Invalid JWT: Failed audience check');
    const now = Date.now() / 1000;
    const isTimely =
      typeof iat === 'number' &&
      typeof exp === 'number' &&
      iat < now + PATIENCE_S &&
      exp > now - PATIENCE_S &&
      exp - iat <= 3600;
    if (!isTimely)
      return refused(
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.',
      );
    if (typeof scope !== 'string' || scope === '')
      return refused('invalid_scope', 'Empty or missing scope not allowed.');
    if (sub !== undefined && !(typeof sub === 'string' && service.delegates.includes(sub)))
      return refused(
        'unauthorized_client',
        'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
        401,
      );
    this.asserted++;
    const address = typeof sub === 'string' ? sub : String(iss);
    return this.#handOut({ address, scopes: scope.split(' ') });
  }

  #handOut({ address, scopes, client }: Bearer): Answer {
    return json({
      access_token: this.issue(address, scopes, client),
      expires_in: this.lifetime,
      scope: scopes.join(' '),
      token_type: 'Bearer',
    });
  }
}

const refused = (error: string, description: string, status = 400): Answer =>
  json({ error, error_description: description }, status);
