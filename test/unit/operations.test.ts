import { expect, test } from "vitest";
import operations from "../../docs/operations.md?raw";
import { WHYS } from "../../src/log.ts";
import { FOR_THE_OPERATOR } from "../../src/mcp/call-log.ts";

test.each([...WHYS, ...FOR_THE_OPERATOR])(
  "docs/operations.md says what to do about %s",
  (word) => {
    const row = operations
      .split("\n")
      .find((line) => line.startsWith("|") && line.includes(`\`${word}\``));
    expect(row?.split("|").at(-2)?.trim()).toMatch(/\w/);
  },
);
