// A trigger that listens to a Gmail account.
import type { Subscriber } from '../../source/source';
import type { GmailLogin } from '../api/login';
import type { GmailReading } from '../read/reading';

export type GmailSubscriber = Subscriber<GmailLogin, GmailReading>;
