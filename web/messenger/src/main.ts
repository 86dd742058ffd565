import { mount } from "svelte";
import "@tradepost/ui/styles.css";
import { appearance } from "@tradepost/ui/appearance.svelte.ts";
import App from "./views/App.svelte";
import { openCore } from "./core/open.ts";
import { goOffline } from "./offline/register.ts";
import { words } from "./words/index.ts";

// A newer version is there, and a part of this one is not any more.
addEventListener("vite:preloadError", () => location.reload());

appearance.apply();
// The core takes longest: it begins before anything is shown.
const opening = openCore();
await words.begin();
const target = document.getElementById("app");
if (target) mount(App, { target, props: { opening } });
goOffline();
