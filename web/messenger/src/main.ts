import { mount } from "svelte";
import "@tradepost/ui/styles.css";
import { appearance } from "@tradepost/ui/appearance.svelte.ts";
import App from "./views/App.svelte";
import { openCore } from "./core/open.ts";
import { goOffline } from "./offline/register.ts";
import { words } from "./words/index.ts";

appearance.apply();
await words.begin();
const target = document.getElementById("app");
if (target) mount(App, { target, props: { opening: openCore() } });
goOffline();
