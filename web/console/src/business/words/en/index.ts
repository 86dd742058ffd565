import { shell } from "../../../shell/words/en.ts";
import { doors } from "./doors.ts";
import { inbox } from "./inbox.ts";
import { messages } from "./messages.ts";
import { office } from "./office.ts";
import { keeping } from "./keeping.ts";

/** English: the language whose keys the others have to have. */
export const en = { ...shell, ...doors, ...inbox, ...messages, ...office, ...keeping } as const;
