export { doors } from "../en/doors.ts";
