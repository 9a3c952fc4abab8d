// POST /batch/gmail/v1: several requests in one, each answered for itself.
// https://developers.google.com/gmail/api/guides/batch
import { type Answer, ApiError, type Incoming } from './http';

const MOST_PARTS = 100;

/** @param each answers one request as if it had come alone */
export async function answerBatch(
  request: Incoming,
  each: (part: Incoming) => Promise<Answer>,
): Promise<Answer> {
  const boundary = /boundary="?([^";]+)"?/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) throw new ApiError(400, 'Failed to parse batch request, no boundary');
  const parts = request.body
    .toString('latin1')
    .split(`--${boundary}`)
    .slice(1)
    .filter((part) => !part.startsWith('--'));
  if (parts.length > MOST_PARTS)
    throw new ApiError(400, 'The batch request exceeds the maximum of 100 calls in a single batch request.');
  const answers = await Promise.all(
    parts.map(async (part) => {
      const { inner, contentId } = readPart(part, request.headers.authorization);
      return { contentId, answer: await each(inner) };
    }),
  );
  const own = `batch_${Math.random().toString(36).slice(2)}`;
  const text = answers.map((answered) => `--${own}\r\n${writePart(answered)}\r\n`).join('');
  return {
    status: 200,
    headers: { 'content-type': `multipart/mixed; boundary=${own}` },
    body: Buffer.from(`${text}--${own}--`, 'latin1'),
  };
}

function readPart(
  part: string,
  authorization: string | undefined,
): { inner: Incoming; contentId: string | null } {
  const [outer = '', ...rest] = part.replace(/^\r?\n/, '').split(/\r?\n\r?\n/);
  const contentId = /^content-id:\s*<?([^>\r\n]+)>?/im.exec(outer)?.[1] ?? null;
  const [line = '', ...fields] = (rest[0] ?? '').split(/\r?\n/);
  const [, method, target] = /^(\S+) (\S+)/.exec(line) ?? [];
  if (method === undefined || target === undefined)
    throw new ApiError(400, 'Failed to parse batch request, no request line in a part');
  const own = fields.flatMap((field) => {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(field) ?? [];
    return name === undefined ? [] : [[name.toLowerCase(), value ?? ''] as const];
  });
  const { pathname, searchParams } = new URL(target, 'http://localhost');
  const body = Buffer.from(
    rest
      .slice(1)
      .join('\r\n\r\n')
      .replace(/\r?\n$/, ''),
    'latin1',
  );
  const headers = { ...(authorization !== undefined && { authorization }), ...Object.fromEntries(own) };
  return { inner: { method, path: pathname, query: searchParams, headers, body }, contentId };
}

function writePart({ contentId, answer }: { contentId: string | null; answer: Answer }): string {
  const body = Buffer.from(answer.body ?? '').toString('latin1');
  const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  return [
    'Content-Type: application/http',
    ...(contentId === null ? [] : [`Content-ID: <response-${contentId}>`]),
    '',
    `HTTP/1.1 ${answer.status} ${answer.status < 300 ? 'OK' : 'Error'}`,
    ...headers,
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
