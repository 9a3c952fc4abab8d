// Asks a server that speaks the Gmail API, and hands out what it says as it is.

export interface Said {
  readonly status: number;
  readonly headers: Headers;
  /** Null where there is no JSON. */
  readonly json: Readonly<Record<string, unknown>> | null;
  readonly text: string;
}

export class PlainClient {
  readonly #base: string;
  readonly #token: string;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  get(path: string): Promise<Said> {
    return this.ask('GET', `/gmail/v1/users/me/${path}`);
  }

  post(path: string, body: object = {}): Promise<Said> {
    return this.ask('POST', `/gmail/v1/users/me/${path}`, JSON.stringify(body));
  }

  delete(path: string): Promise<Said> {
    return this.ask('DELETE', `/gmail/v1/users/me/${path}`);
  }

  async ask(method: string, path: string, body?: string, contentType = 'application/json'): Promise<Said> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': contentType };
    const answer = await fetch(`${this.#base}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: parsed(text), text };
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}
