import { mkdir } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect } from "vitest";
import { runCommand } from "../../scripts/command.mjs";
import { REVISIONS } from "../support/mcp-requests.ts";
import { ROOT } from "./support.ts";
import { test } from "./with-server.ts";

const BASELINE = path.join(import.meta.dirname, "conformance-baseline.yaml");

test.for(REVISIONS)(
  "all that revision %s requires passes in the conformance suite, but for what needs things this server does not offer",
  async (revision, { project, server }) => {
    const results = path.join(project.root, `conformance-${revision}`);
    await mkdir(results);
    const { ok, output } = await runCommand(process.execPath, [
      path.join(ROOT, "node_modules", ".bin", "conformance"),
      "server",
      `--url=${server.url}`,
      `--requirements=${revision}`,
      `--expected-failures=${BASELINE}`,
      `--output-dir=${results}`,
    ]);

    const printed = stripVTControlCharacters(output);
    const verdict = printed.slice(Math.max(0, printed.lastIndexOf("\nTotal: ")));
    expect(ok, verdict).toBe(true);
    expect(verdict).toContain("all failures are expected");
    const [, met] = /^Total: (\d+) passed/m.exec(verdict) ?? [];
    expect(Number(met), verdict).toBeGreaterThan(0);
    const excused = verdict.match(/^ +~ /gm)?.length ?? 0;
    console.log(`conformance ${revision}: ${met} checks met, ${excused} in the baseline`);
  },
);
