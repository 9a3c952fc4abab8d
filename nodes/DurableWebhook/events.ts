// What an endpoint can be told of: the events of the feed (engine/feed/feed-event.ts), as the editor lists them.
import type { FeedEventType } from '../../engine/feed/feed-event';

/** In alphabetical order, as the editor shows them. */
export const ENDPOINT_EVENTS = [
  { name: 'Email Annotated', value: 'email.classified' },
  { name: 'Email Done', value: 'email.done', description: 'A run for it has succeeded' },
  { name: 'Email Failed', value: 'email.failed', description: 'A run for it failed, and is tried again' },
  { name: 'Email New', value: 'email.new', description: 'It was recorded' },
  { name: 'Email Set Aside', value: 'email.dead', description: 'Its tries are used up' },
  { name: 'Email Started', value: 'email.started', description: 'A run has taken it' },
  { name: 'Email Updated', value: 'email.updated', description: 'By hand, for example' },
  { name: 'Endpoint Changed', value: 'endpoint.changed', description: 'Also: it was set aside' },
  { name: 'Mailbox Recovered', value: 'source.recovered', description: 'Mails that were missed were found' },
  { name: 'Mailbox State', value: 'source.state', description: 'It is read, or cannot be read' },
  { name: 'Outbox Bounced', value: 'outbox.bounced' },
  { name: 'Outbox Failed', value: 'outbox.failed' },
  { name: 'Outbox Queued', value: 'outbox.queued' },
  { name: 'Outbox Sent', value: 'outbox.sent' },
  { name: 'Outbox Unknown', value: 'outbox.unknown' },
  { name: 'Outbox Updated', value: 'outbox.updated' },
  { name: 'Sync Completed', value: 'sync.completed', description: 'Of mails that were there before' },
  { name: 'Sync Error', value: 'sync.error' },
  { name: 'Sync First Batch', value: 'sync.first_batch' },
  { name: 'Sync Progress', value: 'sync.progress' },
  { name: 'Sync Started', value: 'sync.started' },
  { name: 'Template Changed', value: 'template.changed' },
] satisfies readonly { name: string; value: FeedEventType; description?: string }[];
