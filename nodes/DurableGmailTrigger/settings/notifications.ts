// How the node hears of new mail, as a person chose it; what Google would not accept is refused here.
import { SUBSCRIPTION_NAME, TOPIC_NAME } from '../../../engine/gmail/api/google';
import type { NotificationsData } from '../../../engine/gmail/read/reading-data';
import { type Parameters, text } from '../../host/trigger/parameters';

/** @throws Error that names the setting */
export function notifications(parameters: Parameters): NotificationsData {
  switch (parameters.get('notifications')) {
    case 'push': {
      const topic = resource(parameters, TOPIC);
      checkServiceAccount(parameters);
      return { kind: 'push', topic };
    }
    case 'pull':
      return {
        kind: 'pull',
        topic: resource(parameters, TOPIC),
        subscription: resource(parameters, SUBSCRIPTION),
      };
    default:
      return { kind: 'none' };
  }
}

const TOPIC = {
  shown: 'Pub/Sub Topic',
  name: 'pubsubTopic',
  form: TOPIC_NAME,
  example: 'projects/my-project/topics/gmail',
};
const SUBSCRIPTION = {
  shown: 'Pub/Sub Subscription',
  name: 'pubsubSubscription',
  form: SUBSCRIPTION_NAME,
  example: 'projects/my-project/subscriptions/gmail-n8n',
};

function resource(parameters: Parameters, { shown, name, form, example }: typeof TOPIC): string {
  const entered = text(parameters, name);
  if (entered === '') throw new Error(`"${shown}" is empty. Enter its whole name, such as ${example}.`);
  if (form.test(entered)) return entered;
  throw new Error(`"${shown}" is "${entered}". Enter its whole name, such as ${example}.`);
}

function checkServiceAccount(parameters: Parameters): void {
  const shown = 'Service Account of the Push Subscription';
  const entered = text(parameters, 'pushServiceAccount');
  const example = 'push@my-project.iam.gserviceaccount.com';
  if (entered === '') {
    throw new Error(
      `"${shown}" is empty. Without it anybody could call the webhook. Enter its email address, such as ${example}.`,
    );
  }
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(entered))
    throw new Error(`"${shown}" is not an email address. Enter one such as ${example}.`);
}
