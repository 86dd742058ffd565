/** What was begun to be written, by chat; in this page only, so that it lies nowhere in the clear. */
export const drafts = new Map<string, string>();
