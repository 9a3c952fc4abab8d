// The pages for people: every link in them leads somewhere.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../../tools/shell.mjs';

/** As GitHub names the headings of a page. */
const anchorsOf = (file: string): ReadonlySet<string> =>
  new Set(
    [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

const PAGES = [
  ...['README.md', 'CHANGELOG.md', 'SECURITY.md'],
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].map((name) => join(ROOT, name));

/** What the editor leads to. */
const REPOSITORY =
  /https:\/\/github\.com\/n8n-nodes-durable-mail\/n8n-nodes-durable-mail\/blob\/main\/([^'"\s]+)/g;

function broken(from: string, link: string): string | null {
  const [path = '', anchor = ''] = link.split('#');
  const file = path === '' ? from : join(dirname(from), path);
  if (!existsSync(file)) return `${relative(ROOT, from)}: ${link} is not there`;
  if (anchor === '' || !file.endsWith('.md') || anchorsOf(file).has(anchor)) return null;
  return `${relative(ROOT, from)}: ${link} is no heading`;
}

describe('the pages', () => {
  it('lead to pages and headings that are there', () => {
    const links = PAGES.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) =>
        broken(page, link!),
      ),
    );
    assert.ok(links.length > 50);
    assert.deepEqual(
      links.filter((link) => link !== null),
      [],
    );
  });

  it('are where the nodes and credentials say', () => {
    const files = ['nodes', 'credentials'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|json)$/.test(name))
        .map((name) => join(ROOT, folder, name)),
    );
    const links = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(REPOSITORY)].map(([, link]) =>
        broken(join(ROOT, 'README.md'), link!),
      ),
    );
    assert.ok(links.length >= 7);
    assert.deepEqual(
      links.filter((link) => link !== null),
      [],
    );
  });
});
