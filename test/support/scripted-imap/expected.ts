// What tests of scripted servers share: what they say, and what becomes of the mails that arrive at them.
import assert from 'node:assert/strict';
import { answersTo, fetchAnswer, literal, scriptedMail } from './mail';
import type { FetchCommand, Script } from './server';
import type { WatchedScript } from './watched';

export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

export const ascending = (uids: readonly number[]): number[] => [...uids].sort((a, b) => a - b);

/** Each of the mails is recorded, once and whole, and nothing else is. */
export async function eachOnce(
  scene: WatchedScript,
  uids: readonly number[],
  withinMs?: number,
): Promise<void> {
  const mails = await scene.recorded(uids.length, withinMs);
  const last = await scene.oneMore();
  assert.deepEqual(ascending(scene.uids), [...uids, last]);
  for (const { uid, subject, content } of mails) {
    assert.equal(subject, `mail ${uid}`);
    assert.ok(content?.equals(scriptedMail(uid).raw), `mail ${uid} is whole`);
  }
}

/** A FETCH of what identifies mails, not of what only lists them. */
export const tellsMails = ({ items }: FetchCommand): boolean => items.includes('RFC822.SIZE');

/** A FETCH of mails' content, not of a single octet of it. */
export const readsContent = ({ items }: FetchCommand): boolean => /BODY\.PEEK\[\](?!<\d+\.1>)/.test(items);

/** The command ends with this, and no more is said of its mails. */
export const endsWith =
  (how: string) =>
  ({ conversation, tag }: FetchCommand): true => {
    conversation.say(`${tag} ${how}\r\n`);
    return true;
  };

/** Of a part of a mail (`BODY[]<0.65536>`) less is handed out than there is; of the whole mail, all. */
export const shortPart: NonNullable<Script['fetched']> = ({ items }, seq, mail) => {
  if (!items.includes('<0.')) return undefined;
  const isPart = (name: string): boolean => name.startsWith('BODY[]');
  return fetchAnswer(
    seq,
    answersTo(items, mail).map(([name, value]) => [
      name,
      isPart(name) ? literal(mail.raw.subarray(0, 100)) : value,
    ]),
  );
};

/** A deadline that passes soon, and not on a machine that has other things to do. */
const SOON = { commandMs: 4_000 };
export const impatient = { times: SOON, join: { reading: SOON } };
