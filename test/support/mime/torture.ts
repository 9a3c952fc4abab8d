// The mails that the project tortures itself with, made anew and always the same.
import { hostileBodies } from './bodies';
import { oddBoundaries } from './boundaries';
import { busyReading } from './busy';
import { oddCharsets } from './charsets';
import { oddCodings } from './coded';
import { hostileFiles } from './files';
import { forwardedMessages } from './forwarded';
import { hostileHeaders } from './headers';
import type { HostileMail } from './hostile';
import { htmlCharsets } from './html-charsets';
import { oddLines } from './lines';
import { messagesWithin } from './messages';
import { misreadStructure } from './misread';
import { namedTexts } from './named';
import { brokenStructure } from './structure';
import { hostileWords } from './words';

export const tortureMails = (): HostileMail[] => [
  ...brokenStructure(),
  ...oddBoundaries(),
  ...misreadStructure(),
  ...busyReading(),
  ...messagesWithin(),
  ...forwardedMessages(),
  ...namedTexts(),
  ...oddCharsets(),
  ...htmlCharsets(),
  ...oddCodings(),
  ...oddLines(),
  ...hostileHeaders(),
  ...hostileWords(),
  ...hostileBodies(),
  ...hostileFiles(),
];
