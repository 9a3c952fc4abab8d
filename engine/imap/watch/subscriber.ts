// A trigger that listens to a mailbox.
import type { Subscriber } from '../../source/source';
import type { ImapReading } from '../read/reading';
import type { ImapLogin } from '../session/login';

export type ImapSubscriber = Subscriber<ImapLogin, ImapReading>;
