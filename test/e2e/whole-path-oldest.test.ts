// The whole path of a mail in the oldest n8n that is supported in full.
import '../support/oldest-n8n';
import { wholePath } from '../support/whole-path';

wholePath({ inFull: true });
