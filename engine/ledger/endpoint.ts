// One endpoint as the ledger tells of it: to those who keep endpoints (endpoints.ts), and with what is queued for it (outbox.ts).
import type { ChangeType } from './changes';

export interface EndpointWish {
  readonly types: readonly ChangeType[];
  /** Null: of all. */
  readonly workflowId: string | null;
  readonly sourceId: number | null;
}

export interface NewEndpoint {
  /** One name, one endpoint: who saves it again changes it. */
  readonly name: string;
  readonly url: string;
  /** How it is signed, tried and so on, JSON: only who sends it reads it. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly wish: EndpointWish;
}

export interface Endpoint extends NewEndpoint {
  readonly id: number;
  readonly createdBy: string;
  readonly createdAt: number;
  /** When a person saved it last, as it was or otherwise. */
  readonly savedAt: number;
  /** As of `Changes`. */
  readonly position: string;
  /** Since when it was set aside, and why: nothing is queued for it until a person takes it back. */
  readonly asideSince: number | null;
  readonly asideReason: string | null;
  /** When something was left out because it was set aside, or away for longer than changes are kept. */
  readonly missedAt: number | null;
}
