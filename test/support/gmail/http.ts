// Requests and answers of the fake as plain values, and Google's JSON for errors:
// https://cloud.google.com/apis/design/errors#http_mapping
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' };

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify(value, null, 2),
});

export const nothing: Answer = { status: 204 };

const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

const REASON: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'authError',
  403: 'insufficientPermissions',
  404: 'notFound',
  409: 'aborted',
  429: 'rateLimitExceeded',
  500: 'backendError',
  503: 'backendError',
};

const DOMAIN: Readonly<Record<string, string>> = {
  rateLimitExceeded: 'usageLimits',
  userRateLimitExceeded: 'usageLimits',
  dailyLimitExceeded: 'usageLimits',
};

/** What a method throws to be answered with Google's JSON for errors. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    { reason, retryAfter }: { reason?: string; retryAfter?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.reason = reason ?? REASON[status] ?? 'backendError';
    this.retryAfter = retryAfter;
  }

  answer(): Answer {
    const { status: code, message, reason } = this;
    const where = code === 401 ? { location: 'Authorization', locationType: 'header' } : {};
    const errors = [{ message, domain: DOMAIN[reason] ?? 'global', reason, ...where }];
    const error = { code, message, errors, status: STATUS[code] ?? 'UNKNOWN' };
    const headers: Record<string, string> = {};
    if (this.retryAfter !== undefined) headers['retry-after'] = String(this.retryAfter);
    if (code === 401)
      headers['www-authenticate'] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"';
    return json({ error }, code, headers);
  }
}

export const notFound = (): ApiError => new ApiError(404, 'Requested entity was not found.');

/** The JSON object that the request carries; an empty body is an empty object. @throws ApiError 400 */
export function readJson(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new ApiError(400, 'Invalid JSON payload received.', { reason: 'parseError' });
}

/** @throws ApiError 400: not a list of texts */
export function readTexts(body: Record<string, unknown>, name: string): readonly string[] {
  const value = body[name] ?? [];
  if (Array.isArray(value) && value.every((each): each is string => typeof each === 'string')) return value;
  throw new ApiError(400, `Invalid value at '${name}' (TYPE_STRING).`);
}
