import { chats } from "./chats.ts";
import { pages } from "./pages.ts";

/** English: the language whose keys the others have to have. */
export const en = { ...chats, ...pages } as const;
