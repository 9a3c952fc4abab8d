// What the tests in the editor share: one n8n, and one browser in which its owner is logged in.
import type { Editor } from '../../support/editor';
import type { N8n } from '../../support/n8n';

export interface OpenEditor {
  readonly n8n: N8n;
  readonly editor: Editor;
}
