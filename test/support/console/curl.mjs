// In place of curl, for examples of the documentation: it takes what these give it and no more, and tells what was answered as
// one line of JSON. Of a stream it reads until it was told one of the types that the test waits for.
import { request } from 'node:http';

const [args, headers] = [process.argv.slice(2), /** @type {Record<string, string>} */ ({})];
const STREAM_END = new RegExp(`^event: (${process.env['CURL_READS_UNTIL'] ?? ''})\\n.*?\\n\\n`, 'ms');
let [address, sent] = ['', /** @type {string | undefined} */ (undefined)];
for (let at = 0; at < args.length; at++) {
  const arg = args[at] ?? '';
  if (arg === '-N' || arg === '-i') continue;
  if (arg === '-H') {
    const [name = '', value = ''] = (args[++at] ?? '').split(/: (.*)/s);
    headers[name] = value;
  } else if (arg === '-d') sent = args[++at];
  else if (!arg.startsWith('-') && address === '') address = arg;
  else throw new Error(`This is not known here: ${arg}`);
}

const asking = request(address, { method: sent === undefined ? 'GET' : 'POST', headers, agent: false });
asking.on('response', (response) => {
  let body = '';
  const tell = () => {
    console.log(JSON.stringify({ address, status: response.statusCode, body }));
    process.exit();
  };
  response.setEncoding('utf8').on('data', (text) => {
    body += text;
    if (response.headers['content-type']?.startsWith('text/event-stream') && STREAM_END.test(body)) tell();
  });
  response.on('end', tell);
});
asking.end(sent);
