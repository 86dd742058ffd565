import { mount } from "svelte";
import "@tradepost/ui/styles.css";
import "./shell/shell.css";
import { appearance } from "@tradepost/ui/appearance.svelte.ts";
import App from "./operator/views/App.svelte";
import { words } from "./operator/words/index.ts";
import { speakWith } from "./shell/words/index.ts";

appearance.apply();
speakWith(words);
await words.begin();
const target = document.getElementById("app");
if (target) mount(App, { target });
