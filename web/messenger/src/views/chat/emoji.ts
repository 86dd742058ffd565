/** Those that are at hand, by what they are about. Every system has a keyboard for the rest. */
import type { Key } from "../../words/index.ts";

export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"] as const;

export const GROUPS: readonly { name: Key; sign: string; all: string }[] = [
  {
    name: "emoji.faces",
    sign: "🙂",
    all: "😀 😃 😄 😁 😆 😅 😂 🤣 🥲 😊 🙂 🙃 😉 😌 😍 🥰 😘 😋 😛 😜 🤪 🤨 🧐 🤓 😎 🥳 😏 😒 😞 😔 😟 😕 🙁 ☹️ 😣 😖 😫 😩 🥺 😢 😭 😤 😠 😡 🤯 😳 🥵 🥶 😱 😨 😰 😥 😓 🤗 🤔 🫡 🤭 🤫 😶 😐 😑 😬 🙄 😯 😮 😲 🥱 😴 🤤 😵 🤐 🥴 🤢 🤮 🤧 😷 🤒 🤕",
  },
  {
    name: "emoji.people",
    sign: "👋",
    all: "👋 🤚 ✋ 🖖 👌 🤏 ✌️ 🤞 🤟 🤘 🤙 👈 👉 👆 👇 ☝️ 👍 👎 ✊ 👊 🤛 🤜 👏 🙌 🫶 👐 🤲 🤝 🙏 ✍️ 💪 👀 👶 🧒 👦 👧 🧑 👩 👨 🧓 👵 👴 🙅 🙆 💁 🙋 🤦 🤷 👪 💃 🕺 🧘",
  },
  {
    name: "emoji.nature",
    sign: "🌿",
    all: "🐶 🐱 🐭 🐰 🦊 🐻 🐼 🐨 🐯 🦁 🐮 🐷 🐸 🐵 🐔 🐧 🐦 🦆 🦉 🐝 🦋 🐌 🐞 🐢 🐍 🐙 🐟 🐬 🐳 🌵 🌲 🌳 🌴 🌱 🌿 🍀 🍁 🌷 🌹 🌻 🌍 🌙 ⭐ ☀️ ⛅ 🌧️ ⛈️ ❄️ 🔥 🌊 🌈",
  },
  {
    name: "emoji.food",
    sign: "🍎",
    all: "🍏 🍎 🍐 🍊 🍋 🍌 🍉 🍇 🍓 🫐 🍒 🍑 🥭 🍍 🥥 🥝 🍅 🥑 🥦 🥕 🌽 🌶️ 🥔 🍞 🥐 🥨 🧀 🥚 🍳 🥞 🍔 🍟 🍕 🌭 🥪 🌮 🥗 🍝 🍜 🍣 🍰 🎂 🍫 🍬 🍪 ☕ 🍵 🥤 🍺 🍷 🥂",
  },
  {
    name: "emoji.things",
    sign: "🎁",
    all: "⚽ 🏀 🎾 🏐 🎲 🎮 🎯 🎹 🎸 🎤 🎧 🎬 🎨 🚗 🚕 🚌 🚲 ✈️ 🚆 🚢 🏠 🏢 🏦 🏥 🏖️ ⛰️ ⌚ 📱 💻 📷 💡 🔑 🔒 📦 📫 📎 📌 📅 📈 💰 💳 🧾 🛒 🎁 🎈 🎉 ✏️ 📚 🔔 ⏰ 🛠️",
  },
  {
    name: "emoji.signs",
    sign: "❤️",
    all: "❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 💯 ✅ ☑️ ❌ ❗ ❓ ⚠️ 🚫 ➕ ➖ ➡️ ⬅️ ⬆️ ⬇️ 🔁 🆗 🆕 🔝 ♻️ 💤 🎵 ✨ 💫 💥 💦 🏁 🏳️ 🏴",
  },
];
