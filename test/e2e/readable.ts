/** Whether everybody can read a page, in a real Chromium. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { saveScreenshot } from "../support/browser.ts";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8");

const PHONE = { size: "phone", width: 375, height: 740 } as const;
const DESKTOP = { size: "desktop", width: 1280, height: 800 } as const;

/** Every size in every colour scheme, opened so that a test may bring a script into the page. */
export const VIEWS = (["light", "dark"] as const).flatMap((colorScheme) =>
  [DESKTOP, PHONE].map((size) => ({ ...size, colorScheme, bypassCSP: true })),
);

/** One of {@link VIEWS}. */
export type ReadableView = (typeof VIEWS)[number];

/** Keeps a picture of the page, and expects axe-core to find nothing and nothing to be wider than the window. */
export async function expectReadable(
  page: Page,
  name: string,
  { size, colorScheme, width }: ReadableView,
): Promise<void> {
  await saveScreenshot(page, `${name}-${size}-${colorScheme}`, true);
  expect(await page.evaluate("document.documentElement.scrollWidth"), name).toBe(width);
  await page.addScriptTag({ content: AXE });
  // It comes out of the page as JSON.
  const { violations, passes } = (await page.evaluate(
    "axe.run({ rules: { 'target-size': { enabled: true } } })",
  )) as AxeResults;
  const found = violations.map(({ id, impact, nodes }) => ({
    id,
    impact,
    where: nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
  }));
  expect(found, name).toEqual([]);
  expect(passes.map(({ id }) => id)).toContain("color-contrast");
}
