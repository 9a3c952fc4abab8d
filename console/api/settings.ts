// What the home told the page within the document, and where the page is: it asks below its own address, so that a proxy may
// have put anything before it.
import type { PageSettings } from '../../engine/console/api';

function told(): Partial<PageSettings> {
  const text = document.querySelector<HTMLMetaElement>('meta[name="mail-console"]')?.content;
  return text ? (JSON.parse(text) as Partial<PageSettings>) : {};
}

export const settings: PageSettings = {
  bundled: false,
  session: null,
  hasStorage: false,
  plots: '',
  ...told(),
};

/** Before each path, without a slash at its end. */
export const HOME = location.pathname.replace(/\/+$/, '');
