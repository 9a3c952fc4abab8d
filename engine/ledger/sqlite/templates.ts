// Templates of mails in the SQLite ledger.
import { askableText } from '../askable';
import { doerOf } from '../common/deed';
import { newTemplate } from '../common/template';
import type { Template, Templates } from '../templates';
import { NOW } from './connection';
import type { Method, Part } from './part';

const facts = `name, subject, text, html, changed_at as changedAt, changed_by as changedBy`;
const selectAll = `select ${facts} from template order by name`;
const selectOne = `select ${facts} from template where name = ?`;

const save = `
  insert into template (name, subject, text, html, changed_at, changed_by) values (?1, ?2, ?3, ?4, ${NOW}, ?5)
  on conflict (name) do update set
    subject = excluded.subject, text = excluded.text, html = excluded.html, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
  returning ${facts}`;

const remove = `delete from template where name = ?`;

const templatesAll: Method<'templates'> = (connection) => connection.all<Template>(selectAll);

const template: Method<'template'> = (connection, name) =>
  connection.get<Template>(selectOne, askableText(name, 'name')) ?? null;

const saveTemplate: Method<'saveTemplate'> = (connection, name, texts, by) => {
  const stored = newTemplate(name, texts);
  return connection.get<Template>(
    save,
    stored.name,
    stored.subject,
    stored.text,
    stored.html,
    doerOf(by) ?? '',
  )!;
};

const removeTemplate: Method<'removeTemplate'> = (connection, name) =>
  connection.run(remove, askableText(name, 'name')) > 0;

export const templates: Part<Templates> = {
  templates: templatesAll,
  template,
  saveTemplate,
  removeTemplate,
};
