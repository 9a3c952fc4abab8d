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

  it('leaves single braces, and those of style sheets, as they are', () => {
    const css = '<style>@media print{a{color:red}}</style>{a} }} {{ {';
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
