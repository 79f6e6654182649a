import path from "node:path";
import sparticuz from "@sparticuz/chromium";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where what a test saw is kept until the next run. Git ignores it. */
const RESULTS = path.join(import.meta.dirname, "..", "..", "test-results");

/** How the window of a page is. */
export interface Window {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  /** Lets a test bring a script into the page, which its policy may forbid. */
  readonly bypassCSP?: boolean;
}

/**
 * Starts Chromium without a window. Everything in it is gone when it is closed.
 *
 * The package's own arguments are for AWS Lambda: one process for all, which one
 * page can take down, and no web security.
 */
export async function openBrowser(): Promise<Browser> {
  const executablePath = await sparticuz.executablePath();
  // Without a sandbox, because containers offer none, or have no other user than root.
  return chromium.launch({ executablePath, chromiumSandbox: false });
}

/** Opens an empty page that shares no cookies and no storage with any other one. */
export function openPage(
  browser: Browser,
  { width = 1280, height = 800, colorScheme = "light", bypassCSP = false }: Window = {},
): Promise<Page> {
  return browser.newPage({ viewport: { width, height }, colorScheme, bypassCSP });
}

/** Keeps what the page shows now, or all of it, as `test-results/NAME.png`. */
export async function saveScreenshot(
  page: Page,
  name: string,
  fullPage = false,
): Promise<void> {
  await page.screenshot({ path: path.join(RESULTS, `${name}.png`), fullPage });
}
