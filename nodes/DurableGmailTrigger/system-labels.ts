// Gmail's own labels: https://developers.google.com/gmail/api/guides/labels. Their names are their ids, in English.

/** As people know them. */
const SHOWN: Readonly<Record<string, string>> = {
  CATEGORY_FORUMS: 'Category: Forums',
  CATEGORY_PERSONAL: 'Category: Primary',
  CATEGORY_PROMOTIONS: 'Category: Promotions',
  CATEGORY_SOCIAL: 'Category: Social',
  CATEGORY_UPDATES: 'Category: Updates',
  CHAT: 'Chat',
  DRAFT: 'Drafts',
  IMPORTANT: 'Important',
  INBOX: 'Inbox',
  SCHEDULED: 'Scheduled',
  SENT: 'Sent',
  SPAM: 'Spam',
  STARRED: 'Starred',
  TRASH: 'Trash',
  UNREAD: 'Unread',
};

/** Gmail puts them on a mail and takes them off; nobody else may. */
const FIXED: ReadonlySet<string> = new Set(['CHAT', 'DRAFT', 'SCHEDULED', 'SENT']);

export const isFixedLabel = (id: string): boolean => FIXED.has(id);

/** @returns undefined: it is none of Gmail's own that are known */
export const systemLabelShown = (id: string): string | undefined =>
  Object.hasOwn(SHOWN, id) ? SHOWN[id] : undefined;
