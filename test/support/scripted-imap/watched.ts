// A scripted server, and the engine that watches a mailbox of it as a published trigger would.
import type { Joined, JoinOptions, RecordedMail } from '../watching';
import { Watching } from '../watching';
import { until } from '../until';
import type { LineTimes } from '../../../engine/imap/watch/pace';
import { scriptedMail, type StoredMail } from './mail';
import { type Script, ScriptedImapServer, type ScriptedOptions } from './server';

export interface WatchedOptions extends ScriptedOptions {
  /** What was in the mailbox before; default: two mails. */
  readonly before?: readonly StoredMail[];
  readonly script?: Script;
  readonly join?: JoinOptions;
  readonly times?: Partial<LineTimes>;
  /** False: it is not waited for. */
  readonly ready?: boolean;
  /** The server has no IDLE. */
  readonly isPolled?: boolean;
}

export class WatchedScript {
  readonly server: ScriptedImapServer;
  readonly watching: Watching;
  readonly joined: Joined;

  private constructor(server: ScriptedImapServer, watching: Watching, joined: Joined) {
    this.server = server;
    this.watching = watching;
    this.joined = joined;
  }

  /** Runs a test with it, and takes it down. The script counts from when the mailbox is watched. */
  static async with(options: WatchedOptions, test: (scene: WatchedScript) => Promise<void>): Promise<void> {
    const {
      before = [1, 2].map((uid) => scriptedMail(uid)),
      script = {},
      join,
      times,
      ready = true,
      isPolled = false,
    } = options;
    const server = await ScriptedImapServer.start(options);
    server.mails.push(...before);
    if (!ready) server.script = script;
    const watching = await Watching.start(times);
    const joined = await watching.join(server.login(), join);
    try {
      const isWatched = (): boolean => (isPolled ? watching.source().state === 'idle' : server.idling > 0);
      if (ready) await until('the mailbox is watched', isWatched);
      server.script = script;
      await test(new WatchedScript(server, watching, joined));
    } catch (error) {
      const said = [...new Set(watching.log)].map((line) => `\n  ${line}`).join('');
      throw new Error(`${(error as Error).message}\nThe engine's log:${said}`, { cause: error });
    } finally {
      await joined.leave();
      await watching.dispose();
      await server.dispose();
    }
  }

  /** Mails with these UIDs arrive together. */
  arrive(...uids: readonly number[]): void {
    this.server.arrive(...uids.map((uid) => scriptedMail(uid)));
  }

  get uids(): number[] {
    return this.watching.uids(this.joined.subscription);
  }

  mails(): Promise<RecordedMail[]> {
    return this.watching.recorded(this.joined.subscription);
  }

  /** Waits until so many mails are recorded. @returns them */
  async recorded(count: number, withinMs = 60_000): Promise<RecordedMail[]> {
    await until(`${count} mails are recorded`, () => this.uids.length >= count, withinMs);
    return this.mails();
  }

  /** Waits until none of the mails is missing. */
  async recordedAll(missing: () => readonly number[], withinMs: number): Promise<void> {
    await until('every mail is recorded', () => missing().length === 0, withinMs).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; missing: ${missing().slice(0, 10).join(', ')}`, {
        cause: error,
      });
    });
  }

  /** One more mail arrives: what was to be recorded twice is, by the time that it is recorded. @returns its UID */
  async oneMore(withinMs = 60_000): Promise<number> {
    const uid = this.server.uidNext;
    this.arrive(uid);
    await until('one more mail is recorded', () => this.uids.includes(uid), withinMs);
    return uid;
  }

  /** What people were told, while the mailbox was read or was not. */
  get told(): string {
    return [...this.joined.reports, ...this.joined.warnings].map(({ message }) => message).join('\n');
  }
}
