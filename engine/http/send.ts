// How requests go out: the host's own way, so that its proxies and certificates apply.

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @returns whatever the server answers, with any status @throws Error: there was no whole answer */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;
