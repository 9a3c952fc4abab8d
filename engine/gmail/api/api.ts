// What the collector asks of Gmail: one account's API, with its quota and its patience for faults that pass.
// Every method rejects with a GmailFault (fault.ts); those that pass by themselves were tried again before that.
import type { Priority } from '../../http/quota';
import type {
  GmailLabel,
  GmailProfile,
  HistoryPage,
  LabelChange,
  MessagePage,
  MessageQuery,
  RawMessage,
  WatchAnswer,
} from './types';

export interface GmailApi {
  /** users.getProfile */
  profile(): Promise<GmailProfile>;

  /**
   * users.history.list: messages added and labels added after `startHistoryId`.
   * @throws GmailFault `expired`: the history does not reach back so far
   */
  history(startHistoryId: string, pageToken?: string): Promise<HistoryPage>;

  /** users.messages.list @throws GmailFault `refused`, also of a page token that is not good any more */
  messages(query: MessageQuery, priority: Priority): Promise<MessagePage>;

  /** users.messages.get in the format `raw` @returns null: it is not there any more */
  message(id: string, priority: Priority): Promise<RawMessage | null>;

  /** users.labels.list */
  labels(): Promise<readonly GmailLabel[]>;

  /** users.messages.modify @returns false: it is not there any more */
  modify(id: string, change: LabelChange): Promise<boolean>;

  /** users.messages.batchModify, of 1,000 at the most; what is not there any more is passed over. */
  modifyAll(ids: readonly string[], change: LabelChange): Promise<void>;

  /** users.messages.trash @returns false: it is not there any more */
  trash(id: string): Promise<boolean>;

  /** users.watch: notifications of the whole mailbox go to the Pub/Sub topic, for 7 days at the most. */
  watch(topic: string): Promise<WatchAnswer>;

  /** users.stop: no topic is sent notifications any more. */
  stop(): Promise<void>;
}
