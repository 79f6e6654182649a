import type { Browser } from "playwright-core";
import { test as base } from "vitest";
import { openBrowser } from "../support/browser.ts";

/** A test of a file that shares one Chromium, which is started when the first asks for it. */
export const test = base.extend<{ $file: { browser: Browser } }>({
  browser: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      await using browser = await openBrowser();
      await use(browser);
    },
    { scope: "file" },
  ],
});
