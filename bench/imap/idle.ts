// Many mailboxes in one process, none of which gets any mail: what each costs, and how long it takes to watch them all.
import { selfSigned } from '../../test/support/certificate';
import type { Cleanup } from '../../test/support/cleanup';
import { Dovecot } from '../../test/support/dovecot';
import type { ImapLogin } from '../../engine/imap/session/login';
import { apart } from './apart';
import { count, kilobytes, megabytes, seconds } from './figures';
import type { Section, Verdict } from './report';

const MAILBOXES = 1_000;
const MOST_BYTES = 150 * 1_024;
const TRANSPORTS = ['plain', 'TLS'] as const;
const WATCHERS = [
  { by: 'bare', name: 'bare clients' },
  { by: 'engine', name: 'durable' },
] as const;

export async function idle({ cleanup }: { readonly cleanup: Cleanup }): Promise<Section[]> {
  const tls = await selfSigned('127.0.0.1');
  const dovecot = await cleanup.of(Dovecot.start({ tls, mostClients: MAILBOXES }));
  const login = (index: number, secure: boolean): ImapLogin =>
    dovecot.login(`idle-${index}`, {
      startTls: 'never',
      allowUnauthorizedCerts: true,
      ...(secure && { secure, port: dovecot.tlsPort }),
    });
  const rows: string[][] = [];
  const verdicts: Verdict[] = [];
  for (const transport of TRANSPORTS) {
    const logins = Array.from({ length: MAILBOXES }, (_, index) => login(index, transport === 'TLS'));
    for (const { by, name } of WATCHERS) {
      const { ms, before, after, held } = await apart({ kind: 'idle', by, logins });
      const each = held! / (MAILBOXES - 1);
      const withReserve = (after - before) / (MAILBOXES - 1);
      rows.push([name, transport, kilobytes(each), kilobytes(withReserve), megabytes(after), seconds(ms)]);
      if (by === 'engine')
        verdicts.push({
          aim: `${transport}: at most ${kilobytes(MOST_BYTES)} for a mailbox`,
          is: kilobytes(each),
          met: each <= MOST_BYTES,
        });
    }
  }
  return [
    {
      title: `${count(MAILBOXES)} idle mailboxes`,
      text: `One process watches ${count(MAILBOXES)} empty mailboxes of as many users, each over its own connection: what a mailbox adds to the
process's memory (RSS, after a garbage collection), and how long it takes until all of them are watched. Of the memory that
connecting took, V8 keeps a part in reserve until memory is short, more for some runs than for others: both are shown, and the
aim is about the memory for one without that reserve. The bare clients
only idle. Twenty connections are made at a time; certificates are not checked.`,
      head: [
        'Watched by',
        'Connection',
        'Memory for one',
        'With V8’s reserve',
        'For all, with Node.js',
        'Time until all idle',
      ],
      rows,
      verdicts,
    },
  ];
}
