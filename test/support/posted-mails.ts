// A mailbox of its own for each test, workflows that post its mails to the sink, and what became of these mails.
import type { Servers } from './endings';
import { rawMail } from './mails';
import type { StoredEvent } from './n8n';
import { until } from './until';
import { mailWorkflow, postMail } from './workflows';

export class PostedMails {
  readonly #name: string;
  readonly #servers: () => Servers;
  #users = 0;

  /** @param name what the mailboxes' users are called, with a number @param servers once they are started */
  constructor(name: string, servers: () => Servers) {
    this.#name = name;
    this.#servers = servers;
  }

  /** Before each test: another mailbox, and a sink that was posted nothing. */
  begin(): void {
    this.#users++;
    this.#servers().sink.reset();
  }

  get user(): string {
    return `${this.#name}${this.#users}`;
  }

  /** @returns the id of a workflow that is published and watches the mailbox */
  readonly published = async (options: object = {}): Promise<string> => {
    const { n8n, dovecot, sink } = this.#servers();
    const id = await mailWorkflow(n8n, dovecot.login(this.user), [postMail(sink)], { options });
    await n8n.api.publish(id);
    await n8n.watching(id);
    return id;
  };

  readonly append = (...subjects: string[]): Promise<void> =>
    this.#servers().dovecot.append(
      this.user,
      subjects.map((subject) => rawMail({ subject })),
    );

  readonly eventsOf = async (workflow: string): Promise<StoredEvent[]> =>
    (await this.#servers().n8n.events()).filter((event) => event.workflow === workflow);

  /** Waits until so many of the workflow's mails are DONE. */
  readonly done = (workflow: string, count: number, deadlineMs = 240_000): Promise<StoredEvent[]> =>
    until(
      `${count} mails are done`,
      async () => {
        const events = (await this.eventsOf(workflow)).filter(({ state }) => state === 'DONE');
        return events.length === count && events;
      },
      deadlineMs,
    );
}
