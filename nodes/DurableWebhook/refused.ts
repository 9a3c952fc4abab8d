// What a person is told whose webhook may not go where it was to go: who can allow it.
import { OWN_NETWORK_HELP } from '../../engine/outbox/webhook/webhook-url';
import { OWN_NETWORK_ADVICE } from '../host/outgoing/own-network';

/** The error, and where it is of the own network, what to do. */
export const advised = (error: Error): Error =>
  error.message.includes(OWN_NETWORK_HELP)
    ? new Error(error.message.replace(OWN_NETWORK_HELP, OWN_NETWORK_ADVICE), { cause: error })
    : error;
