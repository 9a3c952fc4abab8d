// What mail that is collected says of mail that we have sent: it came back.
// Invariants: it is noted before the mail that says so is recorded, since after that nobody reads it again (to note it twice changes
// nothing); one question for all mails of a batch, and none where no mail says so.
import type { Outbox } from '../ledger/outbox';
import type { NewMessage } from '../ledger/recording';
import type { Log } from '../runtime/log';

/** @throws LedgerFault none is noted */
export async function noteBounces(
  ledger: Pick<Outbox, 'noteBounces'>,
  messages: readonly Pick<NewMessage, 'bounce'>[],
  log: Log,
): Promise<void> {
  const bounces = messages.flatMap(({ bounce }) => bounce ?? []);
  if (bounces.length === 0) return;
  for (const entry of await ledger.noteBounces(bounces))
    log.info('An email of the outbox came back', { entry });
}
