// The IMAP trigger beside the built-in one and beside a bare client: latency, backlogs, memory, connections.
//
//   npm run bench -- imap                    all of it, about 15 minutes
//   npm run bench -- imap collect,idle       only these parts
//   WRITE_DOCS=1 npm run bench -- imap       all of it, and docs/benchmarks.md is written
import { Cleanup } from '../test/support/cleanup';
import { Dovecot } from '../test/support/dovecot';
import { attachment } from './imap/attachment';
import { backlog } from './imap/backlog';
import { begin } from './imap/begin';
import { Bench } from './imap/bench';
import { burst } from './imap/burst';
import { collect } from './imap/collect';
import { seconds } from './imap/figures';
import { idle } from './imap/idle';
import { latency } from './imap/latency';
import { print, type Section, write } from './imap/report';
import { sharedMailbox } from './imap/shared-mailbox';
import { measured } from './measured';

/** In the order of the report. */
const WITH_N8N = { latency, burst, backlog, shared: sharedMailbox, attachment };
const WITHOUT_N8N = { collect, idle, begin };
const PARTS = [...Object.keys(WITH_N8N), ...Object.keys(WITHOUT_N8N)];

const asked = process.argv[2]?.split(',') ?? PARTS;
const unknown = asked.filter((part) => !PARTS.includes(part));

const cleanup = measured(measure);

async function measure(): Promise<void> {
  if (unknown.length > 0)
    throw new Error(`The parts are ${PARTS.join(', ')}; there is no ${unknown.join(', ')}`);
  const sections: Section[] = [];
  const done = async (part: string, running: () => Promise<Section[]>): Promise<void> => {
    const began = performance.now();
    const made = await running();
    made.forEach(print);
    console.log(`  (${part}: measured in ${seconds(performance.now() - began)})`);
    sections.push(...made);
  };
  if (asked.some((part) => part in WITH_N8N)) {
    const n8nCleanup = new Cleanup();
    try {
      const bench = await Bench.start(n8nCleanup);
      for (const [part, run] of Object.entries(WITH_N8N))
        if (asked.includes(part)) await done(part, () => run(bench));
    } finally {
      await n8nCleanup.run();
    }
  }
  if (asked.some((part) => part in WITHOUT_N8N)) {
    const rig = { dovecot: await cleanup.of(Dovecot.start()), cleanup };
    for (const [part, run] of Object.entries(WITHOUT_N8N))
      if (asked.includes(part)) await done(part, () => run(rig));
  }
  if (!process.env['WRITE_DOCS']) return;
  if (asked.length < PARTS.length)
    throw new Error('docs/benchmarks.md is written by a run of all parts only');
  await write(sections, process.env['DURABLE_MAIL_N8N']!);
}
