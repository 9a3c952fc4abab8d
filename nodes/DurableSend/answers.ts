// What the node hands on for an email: the fields of the built-in node, which are nodemailer's, and where it stands in the outbox.
// Invariant: what was sent in an earlier try of the run is handed on as it was then, from the log alone; but for `from` of the
// envelope, which the log does not keep.
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Entry } from '../../engine/ledger/outbox';
import { readAnswer } from '../../engine/outbox/mail/smtp-answer';

/** @param from of the envelope */
export function answerOf(
  entry: Entry,
  repeated: boolean,
  from: string,
  itemIndex: number,
): INodeExecutionData {
  const recipients = (entry.recipient ?? '').split(', ').filter((address) => address !== '');
  const isTaken = entry.state === 'SENT' || entry.state === 'BOUNCED';
  const { response, refused } = readAnswer(isTaken ? (entry.lastAnswer ?? '') : '');
  const rejected = refused.map(({ address }) => address);
  const json: IDataObject = {
    accepted: isTaken ? recipients.filter((address) => !rejected.includes(address)) : [],
    rejected,
    envelope: { from, to: recipients },
    messageId: entry.messageId,
    ...(isTaken && { response }),
    outbox: { id: entry.id, state: entry.state, repeated },
  };
  return { json, pairedItem: { item: itemIndex } };
}
