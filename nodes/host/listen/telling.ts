// What a person is told of a trigger of mail that listens.
import type { ITriggerFunctions } from 'n8n-workflow';
import type { Ended } from '../../../engine/ledger/runs';
import type { Unserved } from '../../../engine/ledger/serving';
import { errorText } from '../../../engine/runtime/log';
import { type Alarm, faultOf, tellPeople, triggerName } from './alarm';
import type { Collector } from './collector';
import type { Memory } from '../store/memory';

export class Telling {
  readonly #context: ITriggerFunctions;
  readonly #collector: Collector;
  readonly #showsMail: boolean;

  /** @param showsMail sender and subject of a mail that is given up */
  constructor(context: ITriggerFunctions, collector: Collector, showsMail: boolean) {
    this.#context = context;
    this.#collector = collector;
    this.#showsMail = showsMail;
  }

  /** The trigger, for a log line. */
  get name(): string {
    return triggerName(this.#context);
  }

  notRead(error: unknown): void {
    this.#tell(
      { kind: 'notRead', fault: faultOf(error) },
      this.#collector.isWhole?.(error)
        ? errorText(error)
        : `${this.#collector.watched()} is not being read: ${errorText(error)}`,
      'The trigger stays active and goes on trying. No mail is lost.',
    );
  }

  readAgain(lastedMs: number): void {
    const minutes = Math.max(1, Math.round(lastedMs / 60_000));
    this.#tell(
      { kind: 'readAgain', minutes },
      `${this.#collector.watched()} is being read again, after ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
      'This is no failure: the trigger was set to tell when an outage is over. The mails of the meantime run now.',
    );
  }

  /** Something is wrong, while mail is being read. */
  warn(fault: Error): void {
    this.#tell({ kind: 'warning', fault: faultOf(fault) }, fault.message, 'The trigger stays active.');
  }

  /** Runs end before they could take their mails: nothing of the mails was done. */
  unclaimed(error: string, runs: number): void {
    this.#tell(
      { kind: 'runsDoNotBegin', runs, lastError: error },
      `${this.#collector.watched()} is read, but its mails do not run: ${runs} runs in a row ended before the trigger ` +
        `could take their mail. n8n says of the last one: ${error}`,
      'No mail is lost, and none of them has used up a try. One run at a time is tried from now on, after ever longer ' +
        'waits (5 minutes at most). When one takes its mail, the others follow at once.',
    );
  }

  /** n8n remembers a ledger that is not the one there is. */
  ledgerLost(place: string, { place: before, at }: Memory, skips: boolean): void {
    const until = new Date(at).toISOString();
    const what =
      before === place
        ? `was made anew since then: its file or its tables were lost`
        : `was ${before} until then, and is another one now`;
    const reading = skips
      ? 'As it is set, the trigger begins with new mail.'
      : `Mail is read again from then on, so that none of the meantime is missing; some of it may run twice.`;
    this.#tell(
      { kind: 'ledgerLost', ledger: place, before },
      `The mail ledger (${place}) does not know this trigger, which had listened at ${until}. It ${what}.`,
      `Mails that waited in the old one do not run from here. ${reading} If the ledger was changed on purpose, there ` +
        "is nothing to do. If not: keep n8n's folder on a volume, and look at Where Emails Are Kept and DURABLE_MAIL_POSTGRES_URL.",
    );
  }

  setAside(ended: Ended): void {
    const { event, state, failures, executionId, account, mailbox, lastError } = ended;
    const times = failures === 1 ? 'once' : `${failures} times`;
    const what =
      state === 'DEAD'
        ? `A mail was set aside as DEAD: its run failed ${times}, and no more tries are left.`
        : 'A mail was set aside as UNKNOWN: nobody knows how its run ended, and it is to run once at most.';
    const { sender, subject } = this.#showsMail ? ended : { sender: null, subject: null };
    const whose = [sender && `from ${sender}`, subject && `"${subject}"`].filter(Boolean).join(', ');
    const last = executionId ? `Its last run was execution ${executionId}. ` : '';
    this.#tell(
      {
        kind: 'mailGivenUp',
        ...{ eventId: event, state, tries: failures, account, mailbox, lastError },
        ...{ lastExecutionId: executionId, lastExecutionUrl: this.#executionUrl(executionId) },
        ...(this.#showsMail && { sender, subject }),
      },
      `${what} ${this.#collector.place(ended)}, event ${event}${whose && `: ${whose}`}.` +
        (lastError === null ? '' : ` The last run failed with: ${lastError}`),
      `${last}The mail is kept in the mail ledger: the Mail Ledger node can show it, and run it again (Replay).`,
    );
  }

  /** Mails wait for a trigger that is gone. */
  leftBehind({ nodeName, account, mailbox, waiting, goesAt }: Unserved): void {
    const mails = waiting === 1 ? '1 mail waits' : `${waiting} mails wait`;
    const trigger = nodeName === null ? 'a trigger' : `the trigger "${nodeName}"`;
    const at = new Date(goesAt).toISOString().slice(0, 10);
    this.#tell(
      { kind: 'mailsLeftBehind', account, mailbox, waiting },
      `${mails} for ${trigger} that is not in this workflow any more, and nobody runs them: ${mailbox} of ${account}.`,
      'Put a trigger for this mailbox into the workflow and publish it: it takes them over. Or end them with the Mail ' +
        `Ledger node (Mark Done). Otherwise they are deleted with their content on ${at}.`,
    );
  }

  #executionUrl(executionId: string | null): string | null {
    if (executionId === null) return null;
    try {
      return `${this.#context.getInstanceBaseUrl()}workflow/${this.#context.getWorkflow().id}/executions/${executionId}`;
    } catch {
      return null;
    }
  }

  #tell(alarm: Alarm, message: string, description: string): void {
    tellPeople(this.#context, alarm, message, description);
  }
}
