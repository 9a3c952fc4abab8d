// How a process that was told of news in a source (a webhook, which may run anywhere) wakes the one that watches it:
// through the same wake-ups as subscriptions have (engine/signal). A hint like any other: it may be lost.

/**
 * What `Wake.notify` and `Wake.listen` are given for news in a source. Subscriptions have the positive numbers, so a
 * source has its own id as a negative one.
 */
export const noticeKey = (sourceId: number): number => -sourceId;
