// The version of the official package that module resolution finds.

import { readFileSync } from 'node:fs';

const PACKAGE = 'node_modules/@signalapp/libsignal-client';

/** As npm recorded it when it installed; the package itself is not opened. */
export function packageVersion() {
  const installed = new URL('./node_modules/.package-lock.json', import.meta.url);
  return JSON.parse(readFileSync(installed, 'utf8')).packages[PACKAGE].version;
}
