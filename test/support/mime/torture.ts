// The mails that the project tortures itself with, made anew and always the same.
import { hostileBodies } from './bodies';
import { oddCharsets } from './charsets';
import { hostileHeaders } from './headers';
import type { HostileMail } from './hostile';
import { brokenStructure } from './structure';

export const tortureMails = (): HostileMail[] => [
  ...brokenStructure(),
  ...oddCharsets(),
  ...hostileHeaders(),
  ...hostileBodies(),
];
