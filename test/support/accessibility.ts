import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8");

/** What axe-core finds wrong on a page that was opened with `bypassCSP`, and which rules it looked at. */
export async function scan(page: Page) {
  await page.addScriptTag({ content: AXE });
  // It comes out of the page as JSON.
  const { violations, passes } = (await page.evaluate(
    "axe.run({ rules: { 'target-size': { enabled: true } } })",
  )) as AxeResults;
  return {
    violations: violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      where: nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
    })),
    passed: passes.map(({ id }) => id),
  };
}
