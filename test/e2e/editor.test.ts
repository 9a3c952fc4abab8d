// The nodes as a person sees them, in n8n's real editor in a real browser: one n8n and one browser for all of them, each
// with workflows and accounts of its own.
import { after, before, describe } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Editor } from '../support/editor';
import { N8n } from '../support/n8n';
import { gmailTriggerInTheEditor } from './editor/gmail-trigger';
import { imapTriggerInTheEditor } from './editor/imap-trigger';
import { nodesInTheEditor } from './editor/nodes';
import type { OpenEditor } from './editor/open-editor';
import { outgoingInTheEditor } from './editor/outgoing';

describe("n8n's editor", { timeout: 30 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let open: OpenEditor;

  before(async () => {
    const n8n = await cleanup.of(N8n.start({}, { withEditor: true }));
    open = { n8n, editor: await cleanup.of(Editor.start(n8n)) };
  });
  after(() => cleanup.run());

  for (const part of [nodesInTheEditor, outgoingInTheEditor, imapTriggerInTheEditor, gmailTriggerInTheEditor])
    part(() => open);
});
