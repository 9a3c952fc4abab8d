// What a person is told whose webhook may not go where it was to go: who can allow it.
import { helped } from '../../engine/outbox/webhook/webhook-url';
import { OWN_NETWORK_ADVICE } from '../host/outgoing/own-network';

/** The error, and where it is of the own network, what to do. */
export const advised = (error: Error): Error => {
  const message = helped(error.message, OWN_NETWORK_ADVICE);
  return message === error.message ? error : new Error(message, { cause: error });
};
