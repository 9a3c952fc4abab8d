// What the Gmail API says and is told, as far as it is used here: https://developers.google.com/gmail/api/reference/rest.
// Ids of messages, labels and history are opaque texts; a history id is an unsigned 64-bit number: BigInt, never Number.

export interface GmailProfile {
  readonly emailAddress: string;
  readonly historyId: string;
}

export interface GmailLabel {
  readonly id: string;
  readonly name: string;
  readonly type?: 'system' | 'user';
}

/** A message as the history names it. */
export interface MessageRef {
  readonly id: string;
  readonly threadId?: string;
  /** As they were then; may be missing. */
  readonly labelIds?: readonly string[];
}

export interface HistoryRecord {
  readonly id: string;
  readonly messagesAdded?: readonly { readonly message: MessageRef }[];
  readonly labelsAdded?: readonly { readonly message: MessageRef; readonly labelIds: readonly string[] }[];
}

export interface HistoryPage {
  readonly history?: readonly HistoryRecord[];
  readonly historyId: string;
  readonly nextPageToken?: string;
}

export interface MessagePage {
  readonly messages?: readonly MessageRef[];
  readonly nextPageToken?: string;
  readonly resultSizeEstimate?: number;
}

/** A message in the format `raw`. */
export interface RawMessage {
  readonly id: string;
  readonly threadId: string;
  readonly labelIds: readonly string[];
  readonly snippet: string;
  readonly historyId: string;
  /** Ms since 1970: when Gmail received it, or what its importer said. */
  readonly internalDate: number;
  /** Octets, about. */
  readonly sizeEstimate: number;
  /** The whole message, as RFC 5322 has it. */
  readonly raw: Buffer;
}

export interface MessageQuery {
  /** As in Gmail's search box. */
  readonly q?: string;
  /** All of them. */
  readonly labelIds?: readonly string[];
  readonly includeSpamTrash?: boolean;
  readonly maxResults: number;
  readonly pageToken?: string;
}

export interface LabelChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export interface WatchAnswer {
  readonly historyId: string;
  /** Ms since 1970. */
  readonly expiration: number;
}
