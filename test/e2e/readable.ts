/** Whether everybody can read a page, in a real Chromium. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { scan } from "../support/accessibility.ts";
import { saveScreenshot } from "../support/browser.ts";

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
  const { violations, passed } = await scan(page);
  expect(violations, name).toEqual([]);
  expect(passed).toContain("color-contrast");
}
