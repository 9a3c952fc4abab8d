// The mails that the project tortures itself with, made anew and always the same.
import { hostileBodies } from './bodies';
import { oddCharsets } from './charsets';
import { hostileFiles } from './files';
import { hostileHeaders } from './headers';
import type { HostileMail } from './hostile';
import { messagesWithin } from './messages';
import { brokenStructure } from './structure';
import { hostileWords } from './words';

export const tortureMails = (): HostileMail[] => [
  ...brokenStructure(),
  ...messagesWithin(),
  ...oddCharsets(),
  ...hostileHeaders(),
  ...hostileWords(),
  ...hostileBodies(),
  ...hostileFiles(),
];
