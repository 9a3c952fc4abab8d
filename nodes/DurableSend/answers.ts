// What the node hands on for an email: the fields of the built-in node, which are nodemailer's, and where it stands in the outbox.
// Invariants: what was sent in an earlier try of the run is handed on as it was then, from the log alone; but for `from` of the
// envelope, which the log does not keep. Nobody stands in `accepted` of whom the log does not know that he was.
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Entry } from '../../engine/ledger/outbox';
import { readRecipients, recipientsText } from '../../engine/outbox/mail/packed-mail';
import { readAnswer } from '../../engine/outbox/mail/smtp-answer';

/** @param from of the envelope @param made whom this run has made it out to; undefined: an earlier one did */
export function answerOf(
  entry: Entry,
  repeated: boolean,
  from: string,
  itemIndex: number,
  made?: readonly string[],
): INodeExecutionData {
  const { to, more } = recipientsOf(entry, made);
  const isTaken = entry.state === 'SENT' || entry.state === 'BOUNCED';
  const { response, refused, places, uncounted } = readAnswer(isTaken ? (entry.lastAnswer ?? '') : '');
  const placed = places.flatMap((at) => to[at] ?? []);
  const rejected = [...refused.map(({ address }) => address), ...placed];
  // One of them may be anybody.
  const isKnown = isTaken && uncounted === 0;
  const others = uncounted + places.length - placed.length;
  const json: IDataObject = {
    accepted: isKnown ? to.filter((address) => !rejected.includes(address)) : [],
    rejected,
    envelope: { from, to: [...to] },
    messageId: entry.messageId,
    ...(isTaken && { response }),
    outbox: {
      ...{ id: entry.id, state: entry.state, repeated },
      ...(more + others > 0 && { unlisted: { recipients: more, rejected: others } }),
    },
  };
  return { json, pairedItem: { item: itemIndex } };
}

/** The log has no room for many. Another process may have queued another email under the same key in the same moment: that one counts. */
function recipientsOf(
  { recipient }: Entry,
  made: readonly string[] | undefined,
): ReturnType<typeof readRecipients> {
  if (made && recipientsText({ to: made }) === recipient) return { to: made, more: 0 };
  return readRecipients(recipient ?? '');
}
