/** What other devices see this browser called. */
export function deviceName(agent = navigator.userAgent): string {
  const browsers: [RegExp, string][] = [
    [/Firefox\//u, "Firefox"],
    [/Edg\//u, "Edge"],
    [/OPR\//u, "Opera"],
    [/Chrom(?:e|ium)\//u, "Chrome"],
    [/Safari\//u, "Safari"],
  ];
  const systems: [RegExp, string][] = [
    [/Android/u, "Android"],
    [/iPhone|iPad/u, "iOS"],
    [/Windows/u, "Windows"],
    [/Mac OS/u, "macOS"],
    [/CrOS/u, "ChromeOS"],
    [/Linux/u, "Linux"],
  ];
  const named = (of: [RegExp, string][]) => of.find(([pattern]) => pattern.test(agent))?.[1];
  return [named(browsers) ?? "Browser", named(systems)].filter(Boolean).join(", ");
}

/** The country whose numbers may be written without their code. */
export function region(language = navigator.language): string | null {
  return new Intl.Locale(language).region ?? null;
}
