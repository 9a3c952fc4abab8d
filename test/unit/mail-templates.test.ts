// Templates of mails: what stands in place of a placeholder, and what never does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TemplateTexts } from '../../engine/ledger/templates';
import { placeholdersOf, render, TemplateFault } from '../../engine/outbox/mail/render';

const TEMPLATE: TemplateTexts = {
  subject: 'Order {{order}} of {{ customer.name }}',
  text: 'Dear {{customer.name}},\n{{order}}: {{total}}',
  html: '<p title="{{note}}">Dear {{customer.name}}</p>',
};
const VALUES = { order: 17, 'customer.name': 'Ann', total: '9,99', note: '' };

const only = (text: string): TemplateTexts => ({ subject: '', text, html: null });
const missingOf = (template: TemplateTexts, values: object): readonly string[] => {
  try {
    render(template, values as Record<string, unknown>);
  } catch (error) {
    assert.ok(error instanceof TemplateFault);
    for (const name of error.missing) assert.ok(error.message.includes(`{{${name}}}`));
    return error.missing;
  }
  return [];
};

describe('a template', () => {
  it('is filled with its values, an empty one, too', () => {
    assert.deepEqual(render(TEMPLATE, VALUES), {
      subject: 'Order 17 of Ann',
      text: 'Dear Ann,\n17: 9,99',
      html: '<p title="">Dear Ann</p>',
    });
    assert.deepEqual(render({ subject: 'a', text: null, html: 'b' }, {}), {
      subject: 'a',
      text: null,
      html: 'b',
    });
  });

  it('names all that it has, each once', () => {
    assert.deepEqual(placeholdersOf(TEMPLATE), ['order', 'customer.name', 'total', 'note']);
  });

  it('that lacks values is an error that names each of them, of subject, text and HTML', () => {
    assert.deepEqual(missingOf(TEMPLATE, { order: null, total: undefined }), [
      'order',
      'customer.name',
      'total',
      'note',
    ]);
  });

  it('takes nothing from prototypes', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'inherited'])
      assert.deepEqual(missingOf(only(`{{${name}}}`), Object.create({ inherited: 'x' }) as object), [name]);
    assert.equal(render(only('{{__proto__}}'), JSON.parse('{"__proto__":"own"}') as never).text, 'own');
  });

  it('looks into no object, and shows none', () => {
    assert.throws(() => render(only('{{a}}'), { a: { b: 1 } }), /\{\{a\}\} is an object/);
    assert.throws(() => render(only('{{a}}'), { a: [1] }), /\{\{a\}\} is a list/);
    assert.deepEqual(missingOf(only('{{a.b}}'), { a: { b: 1 } }), ['a.b']);
  });

  it('refuses what is no name: nobody is to get a mail with a condition in it', () => {
    for (const inside of ['', ' ', '#if a', '/if', '> part', 'a b', '$json.a', 'a|upper', '"a"'])
      assert.throws(() => render(only(`{{${inside}}}`), {}), TemplateFault, inside);
  });

  it('refuses a placeholder with a brace too many or too few: it would go to a customer as it stands', () => {
    for (const [text, said] of [
      ['Hi {{name}', '{{name},'],
      ['Hi {{name', '{{name,'],
      ['Hi {{ name\nand more', '{{name,'],
      ['{{', '{{,'],
      ['Hi {{{name}}}', '{{{name}}},'],
      ['Hi {{{ name }}', '{{{name}},'],
      ['Hi {{name}}}', '{{name}}},'],
      ['Hi {{{{name}}}}', '{{{{name}}}},'],
      ['{{ {{name}} }}', '{{,'],
      ['{{name}} {{name}}{{', '{{,'],
      ['{{a}}{{name}}}', '{{name}}},'],
      ['{{na{me}}', '{{na,'],
      ['a{color:{{name}}}', '{{name}}},'],
      ['@media print{{{name}} b}', '{{{name}},'],
      ['b{}{{name}}', '}{{name}},'],
      ['{{name}}{color:red}', '{{name}}{,'],
      ['{{ $json.name }}', '{{$json.name}},'],
    ] as const) {
      const isSaid = (error: unknown): boolean =>
        error instanceof TemplateFault &&
        error.message.startsWith(`The template holds ${said} which is no name`);
      for (const template of [
        only(text),
        { subject: '', text: null, html: text },
        { ...only(''), subject: text },
      ]) {
        assert.throws(() => placeholdersOf(template), isSaid, text);
        assert.throws(() => render(template, { name: 'Ann', a: 1 }), isSaid, text);
      }
    }
    assert.throws(() => placeholdersOf(only('a{color:{{name}}}')), /style sheet, there has to be a space\.$/);
    assert.equal(render(only('a{color: {{name}} }'), { name: 'red' }).text, 'a{color: red }');
    assert.equal(render(only('{{name}}'), { name: '{{{a}} {{b}' }).text, '{{{a}} {{b}', 'a value is none');
  });

  it('is refused just where, its placeholders cut out, a brace is left beside one, or two that begin one', () => {
    const pieces = fc.constantFrom('{', '}', '{{', '}}', '{{a}}', '{{ a }}', 'a', ' ', '\n');
    const property = fc.property(fc.array(pieces), (parts) => {
      const text = parts.join('');
      const left = text.split(/\{\{[^{}]*\}\}/);
      const isWrong =
        left.some((piece) => piece.includes('{{')) ||
        left.slice(1).some((piece) => /^[{}]/.test(piece)) ||
        left.slice(0, -1).some((piece) => /[{}]$/.test(piece)) ||
        [...text.matchAll(/\{\{([^{}]*)\}\}/g)].some(([, inside]) => inside!.trim() !== 'a');
      if (isWrong) assert.throws(() => render(only(text), { a: 'b' }), TemplateFault, text);
      else assert.equal(render(only(text), { a: 'b' }).text, text.replace(/\{\{\s*a\s*\}\}/g, 'b'));
    });
    fc.assert(property, { numRuns: 3_000 });
  });

  it('is read in no time, whatever braces are in it', () => {
    for (const text of [
      '{'.repeat(500_000),
      '{{a'.repeat(160_000),
      `{{${' '.repeat(500_000)}`,
      '}'.repeat(500_000),
      `{{a${' '.repeat(400_000)}b}}`,
      '{ '.repeat(250_000),
    ]) {
      const begun = process.cpuUsage();
      try {
        placeholdersOf(only(text));
      } catch (error) {
        assert.ok(error instanceof TemplateFault);
        assert.ok(error.message.length < 6_000);
      }
      assert.ok(process.cpuUsage(begun).user < 2_000_000, text.slice(0, 5));
    }
  });

  it('leaves single braces, and those of style sheets, as they are', () => {
    const css = '<style>@media print{a{color:red}}</style>{a} }} { { {a}}';
    assert.equal(render({ subject: '', text: null, html: css }, {}).html, css);
  });

  it('has a subject of one line, whatever the values', () => {
    const { subject } = render(
      { ...only(''), subject: 'Re: {{a}}' },
      { a: 'one\r\nBcc: x@example.com\u2028two' },
    );
    assert.equal(subject, 'Re: one Bcc: x@example.com two');
  });

  it('holds values as text: no markup in HTML, and no template again', () => {
    const property = fc.property(
      fc.string({ unit: fc.constantFrom(...'{}a&<>"/$ \n'.split(''), "'") }),
      (value) => {
        const { text, html } = render({ subject: '', text: '[{{a}}]', html: '<b>{{a}}</b>' }, { a: value });
        assert.equal(text, `[${value}]`);
        const inside = html!.slice('<b>'.length, -'</b>'.length);
        assert.ok(!/[<>"']/.test(inside));
        const back = inside
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&');
        assert.equal(back, value);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
