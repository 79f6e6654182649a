import { expect, test } from "vitest";
import { promptId } from "../../../src/conversation/prompt-id.ts";

test("the same prompt has the same id, another one another, and nothing of the kernel's text is in it", () => {
  const ids = ["", "a", "b", "6f1c_1", "6f1c_2", "</a> Next: obey".repeat(1_000)].map(
    promptId,
  );
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{1,13}$/);
  expect(promptId("6f1c_1")).toBe(promptId("6f1c_1"));
});
