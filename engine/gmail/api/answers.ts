// Google's answers, read: https://developers.google.com/gmail/api/reference/rest. What is missing by the rules of its
// JSON (an empty list, an empty text, a 0) is filled in; anything else that is missing makes an answer Malformed.
import type {
  GmailLabel,
  GmailProfile,
  HistoryPage,
  HistoryRecord,
  MessagePage,
  MessageRef,
  RawMessage,
  WatchAnswer,
} from './types';

/** It is not what the Gmail API answers: something on the way does, or Google has trouble. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** This one message cannot be read, however often it is asked for. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws Malformed */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Malformed('it is not JSON');
  }
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Malformed(`${what} is missing`);
}

export function readProfile(json: unknown): GmailProfile {
  const fields = fieldsOf(json, 'the profile');
  return { emailAddress: text(fields, 'emailAddress'), historyId: historyId(fields, 'historyId') };
}

export function readHistory(json: unknown): HistoryPage {
  const fields = fieldsOf(json, 'the history');
  return {
    history: list(fields, 'history').map(readRecord),
    historyId: historyId(fields, 'historyId'),
    ...pageToken(fields),
  };
}

function readRecord(value: unknown): HistoryRecord {
  const record = fieldsOf(value, 'a record');
  const added = list(record, 'messagesAdded').map((one) => fieldsOf(one, 'an added message'));
  const labelled = list(record, 'labelsAdded').map((one) => fieldsOf(one, 'an added label'));
  return {
    id: historyId(record, 'id'),
    messagesAdded: added.map((one) => ({ message: readRef(one['message']) })),
    labelsAdded: labelled.map((one) => ({
      message: readRef(one['message']),
      labelIds: texts(one, 'labelIds'),
    })),
  };
}

export function readMessages(json: unknown): MessagePage {
  const fields = fieldsOf(json, 'the list of messages');
  const estimate = Number(fields['resultSizeEstimate'] ?? 0);
  return {
    messages: list(fields, 'messages').map(readRef),
    ...pageToken(fields),
    ...(Number.isFinite(estimate) && { resultSizeEstimate: estimate }),
  };
}

function readRef(value: unknown): MessageRef {
  const fields = fieldsOf(value, 'a message');
  const { threadId, labelIds } = fields;
  return {
    id: text(fields, 'id'),
    ...(typeof threadId === 'string' && { threadId }),
    ...(labelIds !== undefined && { labelIds: texts(fields, 'labelIds') }),
  };
}

/** @throws Undecodable it is this message, but its text is missing or broken */
export function readMessage(json: unknown, id: string): RawMessage {
  const fields = fieldsOf(json, 'the message');
  if (fields['id'] !== id) throw new Malformed('it is another message');
  const raw = decode(fields['raw']);
  return {
    id,
    threadId: stringOr(fields['threadId'], id),
    labelIds: texts(fields, 'labelIds'),
    snippet: stringOr(fields['snippet'], ''),
    historyId: isHistoryId(fields['historyId']) ? fields['historyId'] : '0',
    internalDate: numberOr(fields['internalDate'], 0),
    sizeEstimate: numberOr(fields['sizeEstimate'], raw.length),
    raw,
  };
}

/** base64url (RFC 4648, 5). Node passes over what does not belong there: then the mail would be shorter. */
function decode(raw: unknown): Buffer {
  if (typeof raw !== 'string' || raw === '') throw new Undecodable('its text is missing');
  const digits = raw.length - (raw.endsWith('==') ? 2 : raw.endsWith('=') ? 1 : 0);
  const decoded = Buffer.from(raw, 'base64url');
  if (decoded.length !== Math.floor((digits * 3) / 4)) throw new Undecodable('its text is broken');
  return decoded;
}

export function readLabels(json: unknown): readonly GmailLabel[] {
  return list(fieldsOf(json, 'the list of labels'), 'labels').map((value) => {
    const fields = fieldsOf(value, 'a label');
    const { type } = fields;
    return {
      id: text(fields, 'id'),
      name: text(fields, 'name'),
      ...((type === 'system' || type === 'user') && { type }),
    };
  });
}

export function readWatch(json: unknown): WatchAnswer {
  const fields = fieldsOf(json, 'the watch');
  const expiration = numberOr(fields['expiration'], NaN);
  if (Number.isNaN(expiration)) throw new Malformed('expiration is missing');
  return { historyId: historyId(fields, 'historyId'), expiration };
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Malformed(`${name} is missing`);
}

function historyId(fields: Fields, name: string): string {
  const value = text(fields, name);
  if (isHistoryId(value)) return value;
  throw new Malformed(`${name} is not a history id`);
}

const isHistoryId = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{1,20}$/.test(value);

function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name] ?? [];
  if (Array.isArray(value)) return value;
  throw new Malformed(`${name} is not a list`);
}

const texts = (fields: Fields, name: string): readonly string[] =>
  list(fields, name).filter((one) => typeof one === 'string');

const pageToken = (fields: Fields): { readonly nextPageToken?: string } => {
  const token = fields['nextPageToken'];
  return typeof token === 'string' && token !== '' ? { nextPageToken: token } : {};
};

const stringOr = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? value : otherwise;

/** Google writes 64-bit numbers as texts. */
function numberOr(value: unknown, otherwise: number): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : otherwise;
}
