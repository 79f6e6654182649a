import path from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../../scripts/command.mjs";
import { copyProject, environmentOfUser } from "./support.ts";

/** Cloudflare takes 3 MiB on its free plan; whatever makes it a fifth larger is to be looked at first. */
const MAX_GZIP_KIB = 900;

test("wrangler deploy --dry-run passes, and the bundle is small enough for every plan", async () => {
  await using project = await copyProject();
  const { ok, output } = await runCommand(
    process.execPath,
    [
      path.join("node_modules", "wrangler", "bin", "wrangler.js"),
      "deploy",
      "--dry-run",
      `--outdir=${path.join(project.root, "bundle")}`,
    ],
    {
      cwd: project.root,
      env: {
        ...environmentOfUser(),
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_WRITE_LOGS: "false",
      },
    },
  );
  expect(ok, output).toBe(true);
  const gzip = /gzip: ([\d.]+) KiB/.exec(output)?.[1];
  console.log(`wrangler deploy --dry-run: ${gzip} KiB gzip`);
  expect(Number(gzip)).toBeGreaterThan(0);
  expect(Number(gzip)).toBeLessThan(MAX_GZIP_KIB);
});
