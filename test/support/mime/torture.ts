// The mails that the project tortures itself with, made anew and always the same.
import { hostileBodies } from './bodies';
import { oddCharsets } from './charsets';
import { codedTexts } from './coded';
import { hostileFiles } from './files';
import { hostileHeaders } from './headers';
import type { HostileMail } from './hostile';
import { messagesWithin } from './messages';
import { misreadStructure } from './misread';
import { namedParts } from './named';
import { brokenStructure } from './structure';
import { hostileWords } from './words';

export const tortureMails = (): HostileMail[] => [
  ...brokenStructure(),
  ...misreadStructure(),
  ...messagesWithin(),
  ...namedParts(),
  ...oddCharsets(),
  ...codedTexts(),
  ...hostileHeaders(),
  ...hostileWords(),
  ...hostileBodies(),
  ...hostileFiles(),
];
