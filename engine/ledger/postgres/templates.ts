// Templates of mails in Postgres.
import { askableText } from '../askable';
import { doerOf } from '../common/deed';
import { newTemplate } from '../common/template';
import type { Template, Templates } from '../templates';
import { NOW } from './connection';
import type { Method, Part } from './part';

const facts = `name, subject, text, html, changed_at as "changedAt", changed_by as "changedBy"`;
const selectAll = `select ${facts} from durable_mail.template order by name`;
const selectOne = `select ${facts} from durable_mail.template where name = $1`;

const save = `
  insert into durable_mail.template (name, subject, text, html, changed_at, changed_by) values ($1, $2, $3, $4, ${NOW}, $5)
  on conflict (name) do update set
    subject = excluded.subject, text = excluded.text, html = excluded.html, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
  returning ${facts}`;

const remove = `delete from durable_mail.template where name = $1`;

const templatesAll: Method<'templates'> = (connection) => connection.all<Template>(selectAll);

const template: Method<'template'> = async (connection, name) =>
  (await connection.get<Template>(selectOne, askableText(name, 'name'))) ?? null;

const saveTemplate: Method<'saveTemplate'> = async (connection, name, texts, by) => {
  const stored = newTemplate(name, texts);
  const { subject, text, html } = stored;
  return (await connection.get<Template>(save, stored.name, subject, text, html, doerOf(by) ?? ''))!;
};

const removeTemplate: Method<'removeTemplate'> = async (connection, name) =>
  (await connection.run(remove, askableText(name, 'name'))) > 0;

export const templates: Part<Templates> = {
  templates: templatesAll,
  template,
  saveTemplate,
  removeTemplate,
};
