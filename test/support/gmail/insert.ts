// messages.insert, import and send: a raw mail that comes by the API, as JSON or as an upload.
import type { Call } from './call';
import { type Answer, ApiError, json, readJson, readTexts } from './http';
import { headerOf, readMail } from './mime';

export function insert(call: Call, kind: 'insert' | 'import' | 'send'): Answer {
  const { mailbox, address, query } = call;
  const isUpload = query.get('uploadType') === 'media' || call.contentType.startsWith('message/rfc822');
  const request = isUpload ? {} : readJson(call.body);
  const raw = isUpload
    ? call.body
    : Buffer.from(typeof request.raw === 'string' ? request.raw : '', 'base64url');
  if (raw.length === 0)
    throw new ApiError(
      400,
      "'raw' RFC822 payload message string or uploading message via /upload/* URL required",
      {
        reason: 'invalidArgument',
      },
    );
  const threadId = typeof request.threadId === 'string' ? { threadId: request.threadId } : {};
  if (kind === 'send') {
    const to = headerOf(readMail(raw).headers, 'to')?.toLowerCase() ?? '';
    const labelIds = to.includes(address) ? ['UNREAD', 'SENT', 'INBOX'] : ['SENT'];
    return answered(mailbox.add(raw, { labelIds, ...threadId }));
  }
  const source = query.get('internalDateSource') ?? (kind === 'import' ? 'dateHeader' : 'receivedTime');
  const dated = source === 'dateHeader' ? Date.parse(headerOf(readMail(raw).headers, 'date') ?? '') : NaN;
  const named = readTexts(request, 'labelIds');
  // An import goes the way of a mail that comes by SMTP.
  const labelIds = named.length === 0 && kind === 'import' ? ['UNREAD', 'INBOX'] : named;
  const date = Number.isNaN(dated) ? {} : { internalDate: dated };
  return answered(mailbox.add(raw, { labelIds, ...date, ...threadId }));
}

const answered = ({
  id,
  threadId,
  labelIds,
}: {
  id: string;
  threadId: string;
  labelIds: readonly string[];
}): Answer => json({ id, threadId, labelIds });
