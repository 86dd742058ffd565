/** The worker that keeps the page itself, so that it opens without a network, and shows notifications. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL: (url: string) => string };
}

export function goOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  const policy = types?.createPolicy("tradepost-messenger", { createScriptURL: (url) => url });
  const script = "./offline.js";
  navigator.serviceWorker.register(policy?.createScriptURL(script) ?? script).catch(() => undefined);
}
