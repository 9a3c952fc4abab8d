// What was measured, for people: printed as it comes, and written as docs/benchmarks.md.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { count } from './figures';

const FILE = join(__dirname, '..', '..', 'docs', 'benchmarks.md');

/** What other benches have shown stands below it, written by hand. */
const OTHERS = '<!-- What follows is kept. -->';

/** What was wanted of a figure, and whether it came out so. */
export interface Verdict {
  readonly aim: string;
  readonly is: string;
  readonly met: boolean;
}

export interface Section {
  readonly title: string;
  /** What is measured and compared with what, in Markdown. */
  readonly text: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly verdicts: readonly Verdict[];
}

const PREFACE = `# How fast, and how heavy

The Durable IMAP Trigger beside n8n's built-in Email Trigger (IMAP), version 2.1, and beside a bare client: a few lines
around \`imapflow\`, the library that both are built on. Each table is of one run, all on one machine, with one Dovecot and one n8n.
One command measures it again and writes this page:

\`\`\`sh
WRITE_DOCS=1 npm run bench -- imap
\`\`\`

What counts are the ratios: other machines have other times. Everything runs on the machine that measures (n8n, the mail
server, the workflows' target), so there is no network in between. Each table ends with what was aimed at.
`;

export function print({ title, head, rows, verdicts }: Section): void {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ');
  console.log(`\n${title}\n`);
  for (const cells of [head, ...rows]) console.log(`  ${line(cells)}`);
  for (const { met, aim, is } of verdicts) console.log(`  ${met ? 'ok    ' : 'MISSED'} ${aim}: ${is}`);
}

export async function write(sections: readonly Section[], n8n: string): Promise<void> {
  const { format } = await import('prettier');
  const page = [PREFACE, await machine(n8n), ...sections.map(markdown), await others()].join('\n');
  const style = { parser: 'markdown', printWidth: 110 };
  await writeFile(FILE, await format(page, style));
  console.log(`\nWritten: ${FILE}`);
}

async function others(): Promise<string> {
  const page = await readFile(FILE, 'utf8');
  return page.includes(OTHERS) ? page.slice(page.indexOf(OTHERS)) : '';
}

const markdown = ({ title, text, head, rows, verdicts }: Section): string =>
  [
    `## ${title}\n\n${text}\n`,
    ...[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
    '',
    ...verdicts.map(({ aim, is, met }) => `- ${met ? 'Met' : '**Missed**'}: ${aim}. It is ${is}.`),
    '',
  ].join('\n');

/** @param n8n its command-line script */
async function machine(n8n: string): Promise<string> {
  const manifest = await readFile(join(dirname(n8n), '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const dovecot = await promisify(execFile)('dovecot', ['--version'], {
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
  const model = cpus()[0]?.model.trim() || 'of an unknown model';
  const rows = [
    ['Date', new Date().toISOString().slice(0, 10)],
    ['Processor', `${model}, ${cpus().length} cores`],
    ['Memory', `${count(totalmem() / 2 ** 30)} GB`],
    ['System', `${type()} ${release()}`],
    ['Node.js', process.version],
    ['n8n', version],
    ['Dovecot', dovecot.stdout.split(' ')[0]!.trim()],
  ];
  return ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${value} |`), ''].join('\n');
}
