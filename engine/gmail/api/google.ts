// What Google says of its services, for whoever makes a login for them: where they are, what they are asked for, how things are named.

/** Where the services are, where nobody says otherwise. */
export const GOOGLE = {
  gmail: 'https://gmail.googleapis.com',
  pubsub: 'https://pubsub.googleapis.com',
  /** Where access tokens are handed out. */
  token: 'https://oauth2.googleapis.com/token',
} as const;

/**
 * Enough for all that is done with mail. It is among those that n8n's own Gmail node asks for, so a delegation that
 * was made for that node serves.
 */
export const MAIL_SCOPE = 'https://www.googleapis.com/auth/gmail.modify';
export const PUBSUB_SCOPE = 'https://www.googleapis.com/auth/pubsub';

/** Whole names: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
export const TOPIC_NAME = /^projects\/[^/\s]+\/topics\/[^/\s]+$/;
export const SUBSCRIPTION_NAME = /^projects\/[^/\s]+\/subscriptions\/[^/\s]+$/;

const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Nobody else listens on the way there: a token may go over it. */
export const isPrivateWay = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || THIS_MACHINE.has(hostname);
