// What is broken, for whatever watches machines.
// Invariants: it never fails: a ledger that cannot be asked is what is broken; it says no more of a source than its page does.
import { errorText } from '../runtime/log';
import type { BrokenTold, HealthAnswer } from './api';
import type { ConsoleLedger } from './ports';
import type { Reading } from './reads';
import { standingOf } from './source-standing';

interface Asked extends Pick<Reading, 'now'> {
  readonly ledger: Pick<ConsoleLedger, 'sources' | 'place'>;
}

/** Never rejects. */
export async function health({ ledger, now }: Asked): Promise<HealthAnswer> {
  try {
    const at = now();
    const broken = (await ledger.sources()).flatMap((source): BrokenTold[] => {
      const { standing, says } = standingOf(source, at);
      const what = `${source.mailbox} of ${source.account}`;
      return standing === 'broken' ? [{ source: source.id, what, says }] : [];
    });
    return { ok: broken.length === 0, broken };
  } catch (error) {
    const says = `The mail ledger cannot be asked: ${errorText(error)}`;
    return { ok: false, broken: [{ source: null, what: ledger.place, says }] };
  }
}
