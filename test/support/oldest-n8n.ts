// To be imported before anything else of a test file: its n8n is the oldest one that is supported in full. Set by
// test/run.mjs, which may install that n8n while the other tests run.
process.env['DURABLE_MAIL_N8N'] = process.env['DURABLE_MAIL_OLDEST_N8N'];
process.env['DURABLE_MAIL_N8N_PACKAGES'] = process.env['DURABLE_MAIL_OLDEST_N8N_PACKAGES'];
// Its databases are not kept: it makes them at its first start.
process.env['DURABLE_MAIL_N8N_PREPARED'] = '';
