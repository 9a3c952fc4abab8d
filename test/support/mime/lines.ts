// Texts whose lines are not the ones to show: code with other lines around it, and lines that flow.
import { bytes, type HostileMail, lines, withBody } from './hostile';

export const oddLines = (): HostileMail[] => [...footers(), ...flowed()];

function footers(): HostileMail[] {
  const base64 = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'];
  const long = 'Grüße aus einer Mail, die länger ist als eine Zeile von base64. '.repeat(3).trim();
  const coded = (text: string): string =>
    Buffer.from(text)
      .toString('base64')
      .replace(/(.{76})/g, '$1\r\n');
  const footer = ['____________', 'A list footer: https://lists.example.com/info', 'Regards', 'Bob'];
  const below = (name: string, wholeText: string, ...body: readonly string[]): HostileMail =>
    withBody(`base64 ${name}`, base64, { wholeText }, lines(...body));
  return [
    below('with a footer', ['Grüße', '', ...footer].join('\n'), coded('Grüße'), '', ...footer),
    below('of several lines with a footer', [long, ...footer].join('\n'), coded(long), ...footer),
    below(
      'with a footer of one line',
      `${long}\n-- to unsubscribe, write to us`,
      coded(long),
      '-- to unsubscribe, write to us',
    ),
    below('with a line before it', `[external mail]\n\n${long}`, '[external mail]', '', coded(long)),
    below(
      'with text between',
      `Grüße\nsome words between\n${long}`,
      coded('Grüße'),
      'some words between',
      coded(long),
    ),
    below('without padding, with a footer', 'abcdef\nthat was all.', 'YWJjZGVm', 'that was all.'),
    below(
      'with a damaged line in it',
      long,
      coded(long).replace(/\r\n./, (all) => `${all}!`),
    ),
    withBody(
      'base64 in another charset with a footer',
      ['Content-Type: text/plain; charset=koi8-r', 'Content-Transfer-Encoding: base64'],
      { wholeText: 'Привет\nTo leave this list, click here.' },
      lines('8NLJ18XU', 'To leave this list, click here.'),
    ),
    withBody(
      'HTML in base64 with a footer',
      ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: base64'],
      { wholeHtml: '<p>Grüße</p>\n<hr>The list, https://lists.example.com' },
      lines(coded('<p>Grüße</p>'), '<hr>The list, https://lists.example.com'),
    ),
  ];
}

function flowed(): HostileMail[] {
  const as = (name: string, parameters: string, wholeText: string, ...body: readonly string[]): HostileMail =>
    withBody(
      `flowed text ${name}`,
      [`Content-Type: text/plain; charset=utf-8; format=flowed${parameters}`],
      { wholeText },
      bytes(lines(...body)),
    );
  return [
    as('with quotes', '', '> one two\n> three\nfour five', '> one ', '> two', '> three', 'four ', 'five'),
    as(
      'with quotes of two depths',
      '',
      '>> one two\n> three four\nfive',
      '>> one ',
      '>> two',
      '> three ',
      '> four',
      'five',
    ),
    as('with quotes that stop flowing', '', '> one \ntwo', '> one ', 'two'),
    as(
      'with blanks that stuff it',
      '',
      'x\nFrom here > there\n> quoted?',
      'x',
      ' From here ',
      ' > there',
      ' > quoted?',
    ),
    as('with a signature', '', 'the end\n-- \nAnn\nBob', 'the end', '-- ', 'Ann', 'Bob'),
    as('that flows into a signature', '', 'the end \n-- \nAnn', 'the end ', '-- ', 'Ann'),
    as('with a quoted signature', '', '> the end\n> -- \n> Ann', '> the end', '> -- ', '> Ann'),
    as(
      'with quotes and without the blanks',
      '; DelSp=yes',
      '> onetwo\nthreefour',
      '> one ',
      '> two',
      'three ',
      'four',
    ),
    as('of several paragraphs', '', 'one two\n\nthree four', 'one ', 'two', '', 'three ', 'four'),
    as('that is called so in capitals', '; DELSP="YES"', 'onetwo', 'one ', 'two'),
  ];
}
