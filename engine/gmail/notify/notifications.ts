// How an account's trigger hears of news before its next poll.
import type { AccessToken } from '../api/login';

export type Notifications =
  | { readonly kind: 'none' }
  /** Google calls the node's webhook. */
  | { readonly kind: 'push'; readonly topic: string }
  /** This process asks the subscription; for servers without a public address. */
  | {
      readonly kind: 'pull';
      readonly topic: string;
      /** projects/P/subscriptions/S */
      readonly subscription: string;
      /** Of a service account, for Pub/Sub. */
      readonly token: () => Promise<AccessToken>;
    };
