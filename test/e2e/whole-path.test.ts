// The whole path of a mail in the newest n8n; or in whatever n8n test/n8n-versions.mjs runs it in, which may lack something.
import { wholePath } from '../support/whole-path';

wholePath({ inFull: process.env['DURABLE_MAIL_N8N_MAY_LACK'] !== 'something' });
