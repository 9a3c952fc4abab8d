// How a webhook that is to be sent lies in an entry's content: gzip of one line of JSON (where it goes, its headers) and the
// body's bytes as they are signed and sent.
// Invariant: what was packed comes out as it was, byte for byte.
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { WebhookFault } from './webhook-url';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const LF = 0x0a;

/** Larger ones are no notices any more; a receiver refuses them, too. */
export const MOST_BODY_BYTES = 10 * 1024 * 1024;

export interface WebhookContent {
  /** Whole: http or https, without user and password. */
  readonly url: string;
  /** Beside those of signing. Names in whatever case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: Uint8Array;
}

interface FirstLine {
  /** 1, of this version. */
  readonly form: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
}

/** Of JSON: the bytes that are signed are those that are sent. @param value where it is nothing, of which there is no JSON: null */
export const jsonContent = (
  url: string,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): WebhookContent => jsonTextContent(url, JSON.stringify(value ?? null), headers);

/** @param text JSON, which goes as it is: a number may have more digits than this process can count with */
export const jsonTextContent = (
  url: string,
  text: string,
  headers: Readonly<Record<string, string>>,
): WebhookContent => ({
  ...{ url, headers, contentType: 'application/json; charset=utf-8' },
  body: Buffer.from(text),
});

/** @throws WebhookFault: its body is too large */
export async function packWebhook({ url, headers, contentType, body }: WebhookContent): Promise<Buffer> {
  if (body.byteLength > MOST_BODY_BYTES) {
    throw new WebhookFault(
      `The webhook's body has ${body.byteLength} bytes, and at most ${MOST_BODY_BYTES} are sent. ` +
        'Send less, or a link to where the rest is.',
    );
  }
  const first: FirstLine = { form: 1, url, headers, contentType };
  const line = Buffer.from(`${JSON.stringify(first)}\n`);
  return compress(Buffer.concat([line, body]), { level: constants.Z_BEST_SPEED });
}

/** @throws Error: it is none, or of another version */
export async function unpackWebhook(content: Uint8Array): Promise<WebhookContent> {
  const unpacked = await decompress(content);
  const end = unpacked.indexOf(LF);
  const { form, ...first } = JSON.parse(unpacked.toString('utf8', 0, Math.max(end, 0))) as FirstLine;
  if (form !== 1) {
    throw new WebhookFault(
      `The webhook's content was packed by another version of n8n-nodes-durable-mail (form ${String(form)}). ` +
        'Use the newer version in every process of n8n.',
    );
  }
  return { ...first, body: unpacked.subarray(end + 1) };
}
