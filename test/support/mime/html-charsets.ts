// HTML that says of itself what it is written in, rightly or wrongly.
import { hex, type HostileMail, withBody } from './hostile';

const PRIVET = hex('cf f0 e8 e2 e5 f2');
const LATIN = hex('47 72 fc df 65');

export function htmlCharsets(): HostileMail[] {
  const as = (
    name: string,
    type: string,
    wanted: string,
    ...body: readonly (string | Buffer)[]
  ): HostileMail => withBody(`HTML ${name}`, [type], { html: wanted }, ...body);
  const plain = 'Content-Type: text/html';
  const equiv = (content: string): string => `<meta http-equiv="Content-Type" content="${content}">`;
  return [
    as('whose meta names its charset', plain, 'Привет', '<meta charset="windows-1251">', PRIVET),
    as('whose meta names it without quotes', plain, 'Привет', '<META charset=windows-1251 />', PRIVET),
    as('whose meta is of the old kind', plain, 'Привет', equiv('text/html; charset=windows-1251'), PRIVET),
    as(
      'whose meta is of the old kind, turned round',
      plain,
      'Привет',
      "<meta content='text/html; charset=windows-1251' http-equiv=content-type>",
      PRIVET,
    ),
    as(
      'with an XML declaration',
      plain,
      'Привет',
      '<?xml version="1.0" encoding="windows-1251"?><p>',
      PRIVET,
    ),
    as(
      'whose header names another charset',
      `${plain}; charset=windows-1251`,
      'Привет',
      '<meta charset=iso-8859-1>',
      PRIVET,
    ),
    as(
      'whose header names nonsense',
      `${plain}; charset=nonsense`,
      'Привет',
      '<meta charset=windows-1251>',
      PRIVET,
    ),
    as(
      'whose header says UTF-8 and is wrong',
      `${plain}; charset=utf-8`,
      'Привет',
      '<meta charset=windows-1251>',
      PRIVET,
    ),
    as('whose meta is wrong', plain, 'Привет', '<meta charset=windows-1251>', 'Привет'),
    as('whose meta names nonsense', plain, 'Grüße', '<meta charset=nonsense>', LATIN),
    as('whose meta is in a comment', plain, 'Grüße', '<!-- <meta charset=windows-1251> -->', LATIN),
    as('in Korean of seven bits', plain, '한국', '<meta charset=iso-2022-kr>\n', hex('0e 47 51 31 39 0f')),
    as(
      'in Japanese of seven bits',
      plain,
      '日本',
      '<meta charset=iso-2022-jp>',
      hex('1b 24 42 46 7c 4b 5c 1b 28 42'),
    ),
    as('in UTF-16 with a byte order mark', plain, '<p>日本', hex('ff fe'), Buffer.from('<p>日本', 'utf16le')),
    as(
      'with the byte order mark of UTF-8',
      `${plain}; charset=iso-8859-1`,
      '<p>Grüße',
      hex('ef bb bf'),
      '<p>Grüße',
    ),
    withBody(
      'text that has a meta in it',
      ['Content-Type: text/plain'],
      { text: 'Grüße' },
      '<meta charset=windows-1251>',
      LATIN,
    ),
  ];
}
