// @ts-nocheck: it reaches into Node's own modules.
// Loaded before n8n: what n8n's own nodes ask Google at its real address, which they have written in, goes to the fake that
// GOOGLE_URL names.
const http = require('node:http');
const https = require('node:https');

const HOSTS = new Set(['www.googleapis.com', 'gmail.googleapis.com']);
const { hostname, port } = new URL(process.env.GOOGLE_URL);
const request = https.request;

https.request = function (options, ...more) {
  const asked = options instanceof URL ? options.hostname : (options.hostname ?? options.host);
  if (!HOSTS.has(asked)) return request.call(this, options, ...more);
  const { path, method, headers, timeout, signal } = options;
  return http.request(
    { hostname, port, path, method, headers: { ...headers, host: asked }, timeout, signal },
    ...more,
  );
};
