export { Core, type CoreOptions } from "./core.js";
export { CoreError, type Answers, type CommandName, type CoreEvent } from "./messages.js";
export type * from "./types.js";
