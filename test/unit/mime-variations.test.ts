// The same mail, however it is written: what holds for any tree of parts, any paragraphs, any text and any bytes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { layOut, WHOLE } from '../../engine/mail/mime/layout';
import { parseMail } from '../../engine/mail/parse';
import { joinFlowed } from '../../engine/mail/text/flowed';
import { base64Lines, bytes, CRLF, lines } from '../support/mime/hostile';
import { manners, PLAINLY, trees, writeTree } from '../support/mime/variations';

const HEAD = lines('From: Ann <ann@example.com>', 'Subject: s', '');

async function read(raw: Buffer): Promise<object> {
  const { text, html, attachments, parseError } = await parseMail(raw);
  const files = attachments.map(({ filename, content }) => [filename, content.toString('base64')]);
  return { text, html, files, parseError };
}

describe('a mail of parts within parts', () => {
  it('that is well formed is given to the parser as it came', async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.boolean(), async (tree, isLf) => {
        const written = bytes(
          HEAD,
          writeTree(tree, () => PLAINLY),
        );
        const raw = isLf ? Buffer.from(written.toString('latin1').replaceAll(CRLF, '\n'), 'latin1') : written;
        const layout = await layOut(raw, WHOLE);
        const given = Buffer.concat([...layout.pieces()]).toString('latin1');
        // A header is always given with the line ends of RFC 5322.
        const body = raw
          .toString('latin1')
          .split(isLf ? '\n\n' : '\r\n\r\n')
          .slice(1)
          .join(isLf ? '\n\n' : '\r\n\r\n');
        assert.equal(layout.addedFields, 0);
        assert.ok(given.endsWith(`\r\n\r\n${body}`));
        assert.deepEqual(layout.missing, []);
      }),
    );
  });

  it('has the same texts and files, however it is written', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees,
        fc.array(manners, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (tree, ways, isLf) => {
          let next = 0;
          const written = bytes(
            HEAD,
            writeTree(tree, () => ways[next++ % ways.length]!),
          );
          const raw = isLf
            ? Buffer.from(written.toString('latin1').replaceAll(CRLF, '\n'), 'latin1')
            : written;
          assert.deepEqual(
            await read(raw),
            await read(
              bytes(
                HEAD,
                writeTree(tree, () => PLAINLY),
              ),
            ),
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('comes out, whatever is done to its bytes, and says what is missing in plain words', async () => {
    const line = fc.constantFrom(
      '--=_0',
      '--=_0.1--',
      '',
      ' ',
      'Content-Type: multipart/mixed',
      'Content-Type: (',
      '-- ',
      '=',
    );
    const change = fc.tuple(fc.nat(2_000), fc.nat(40), line);
    await fc.assert(
      fc.asyncProperty(trees, fc.array(change, { maxLength: 6 }), async (tree, changes) => {
        let raw = bytes(
          HEAD,
          writeTree(tree, () => PLAINLY),
        ).toString('latin1');
        for (const [at, length, inserted] of changes)
          raw = `${raw.slice(0, at)}${CRLF}${inserted}${CRLF}${raw.slice(at + length)}`;
        const { parseError, attachments } = await parseMail(Buffer.from(raw, 'latin1'));
        assert.match(parseError ?? '', /^$|^(?:The mail|A part of the mail) announces parts/);
        assert.equal(attachments.at(-1)?.isWholeMail === true, parseError !== undefined);
      }),
    );
  });
});

describe('flowed text', () => {
  const word = fc.constantFrom('one', 'two', 'three,', '>', 'From', '--', 'four.');
  const paragraph = fc.record({
    depth: fc.nat(3),
    words: fc.array(fc.tuple(word, fc.boolean()), { minLength: 1, maxLength: 12 }),
  });

  it('has the paragraphs that were broken into lines', () => {
    fc.assert(
      fc.property(fc.array(paragraph, { maxLength: 8 }), fc.boolean(), (paragraphs, delSp) => {
        const broken = paragraphs.map(({ depth, words }) => {
          const start = '>'.repeat(depth) + (depth > 0 ? ' ' : '');
          // What begins with a blank, a mark of a quote or "From" is stuffed.
          const stuffed = (text: string): string =>
            depth === 0 && /^(?: |>|From)/.test(text) ? ` ${text}` : text;
          const all: string[] = [];
          let line = '';
          for (const [index, [text, breaks]] of words.entries()) {
            const isLast = index === words.length - 1;
            line += `${text}${isLast ? '' : ' '}`;
            if (!isLast && (!breaks || line === '-- ')) continue;
            all.push(isLast ? line : `${line}${delSp ? ' ' : ''}`);
            line = '';
          }
          return all.map((text) => start + stuffed(text)).join(CRLF);
        });
        const whole = paragraphs.map(
          ({ depth, words }) =>
            '>'.repeat(depth) + (depth > 0 ? ' ' : '') + words.map(([text]) => text).join(' '),
        );
        assert.equal(joinFlowed(broken.join(CRLF), delSp), whole.join('\n'));
      }),
    );
  });
});

describe('a text in base64', () => {
  it('has what was coded, and what a list has put below it', async () => {
    const words = fc.array(fc.constantFrom('Grüße', 'and', 'a', 'longer', 'text', '日本語', '1,000 €'), {
      minLength: 1,
      maxLength: 60,
    });
    const footer = fc.array(
      fc.constantFrom('____', 'Regards', 'The list: https://lists.example', '', 'Bob', '-- '),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(words, footer, async (coded, below) => {
        const fields = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'];
        const end = ['Unsubscribe: write to us.', ...below];
        const raw = bytes(
          lines(...fields, '', ''),
          base64Lines(Buffer.from(coded.join(' '))),
          CRLF,
          lines(...end),
        );
        const { text } = await parseMail(raw);
        const separate = text.slice(coded.join(' ').length).replace(/^\n+/, '\n');
        assert.equal(text.slice(0, coded.join(' ').length), coded.join(' '));
        assert.equal(separate, `\n${end.join('\n')}`);
      }),
    );
  });
});
