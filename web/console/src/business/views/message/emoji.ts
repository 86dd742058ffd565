/** What messages are reacted with, and what is put into answers: few, and those that are wanted. */
export const REACTIONS = ["👍", "❤️", "🙏", "😂", "😮", "😢", "✅"] as const;

export const EMOJI =
  "😀 😄 😊 🙂 😉 😍 😂 😅 🤔 😕 😢 😮 🙏 👍 👎 👏 🙌 💪 👋 🤝 ❤️ 🎉 ✅ ❌ ⚠️ ⏰ 📅 📍 📎 📦 🚚 💳 💶 🧾 🔑 🔒 ☕ 🌞 ⭐ 🏠".split(
    " ",
  );
