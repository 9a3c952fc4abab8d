// The mails that were picked.
import { Selection } from '../../parts/selection';

export const selection = new Selection();
