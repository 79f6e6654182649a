import { expect, test } from "vitest";
import type { ExecutionResult } from "../../../src/conversation/view.ts";
import type { Step } from "../../../src/kernel/journal.ts";
import {
  codeLine,
  duration,
  executionResult,
  statusLine,
} from "../../../src/mcp/words.ts";

const RESULT: ExecutionResult = {
  conversation: "c_h2k7abcdef",
  execution: "e3",
  state: "ok",
  kernel: {
    id: "4f1c22aa-9b1e-4d0e-8c55-111111111111",
    kernelspec: "python3",
    generation: 1,
    startedHere: true,
  },
  code: "1",
  startedAt: 0,
  elapsedMs: 412,
  position: 2,
  reason: null,
  failure: null,
  incomplete: null,
  prompt: null,
  queuedBehind: null,
  notebook: null,
  wasSent: true,
  trouble: null,
  droppedChars: 0,
  discarded: false,
  text: "hello",
  images: [],
  truncated: false,
  readTo: 2,
  hasMore: false,
  isNewGeneration: false,
  late: "known",
};

function textOf(result: ExecutionResult): string {
  const [first] = executionResult(result).content;
  return first?.type === "text" ? first.text : "";
}

test("the status line names execution, state, time, kernel and conversation", () => {
  expect(statusLine(RESULT)).toBe("e3 · ok · 0.4 s · python3 4f1c22aa · c_h2k7abcdef");
});

test("a plain result is its status line and its output, and nothing more", () => {
  expect(textOf(RESULT)).toBe("e3 · ok · 0.4 s · python3 4f1c22aa · c_h2k7abcdef\nhello");
});

test("what a program may rely on stands in _meta", () => {
  expect(executionResult({ ...RESULT, incomplete: "a gap" }).meta).toEqual({
    "jupyter-edge/execution": {
      conversation: "c_h2k7abcdef",
      execution: "e3",
      state: "ok",
      kernel: "4f1c22aa-9b1e-4d0e-8c55-111111111111",
      generation: 1,
      position: 2,
      truncated: false,
      possiblyIncomplete: true,
    },
  });
});

test.for([
  ["ok", false],
  ["running", false],
  ["waiting for input", false],
  ["error", true],
  ["aborted", true],
  ["lost", true],
] as const)("a result in state %s has isError %s", ([state, isError]) => {
  expect(executionResult({ ...RESULT, state }).isError).toBe(isError);
});

test("a run that goes on says how to wait for it and how to stop it", () => {
  expect(textOf({ ...RESULT, state: "running" })).toMatch(
    /\nNext: It goes on running\. get_output conversation: "c_h2k7abcdef", execution: "e3", after: 2 waits for more; interrupt_kernel stops it\.$/,
  );
});

test("a password prompt warns that its answer passes through the chat", () => {
  const prompt = { id: "p1", prompt: "Token: ", password: true };
  expect(textOf({ ...RESULT, state: "waiting for input", prompt })).toMatch(
    /\nThe code asks: "Token: "\nNext: send_input .* answers\. It is a password/,
  );
});

test("where people sign in, a password is asked for on a page of theirs", () => {
  const waiting = {
    ...RESULT,
    state: "waiting for input" as const,
    prompt: { id: "p1", prompt: "Token: ", password: true },
  };
  const pagesAt = "https://edge.example.com";
  const [content] = executionResult(waiting, false, pagesAt).content;
  expect(content).toMatchObject({
    text: expect.stringMatching(
      /\nNext: Ask the user to type the password at https:\/\/edge\.example\.com\/account\/answer\/c_h2k7abcdef\/e3\/p1, so that it does not pass through this chat; then get_output .* shows what follows\.$/,
    ),
  });
  const prompt = { ...waiting.prompt, password: false };
  const [question] = executionResult({ ...waiting, prompt }, false, pagesAt).content;
  expect(question).toMatchObject({ text: expect.stringMatching(/\nNext: send_input /) });
});

test("where people sign in, a run behind a question leads to the page on which that is answered", () => {
  const behind = {
    ...RESULT,
    state: "running" as const,
    queuedBehind: { execution: "e2", state: "waiting for input" as const },
  };
  expect(textOf(behind)).toMatch(/\nNext: send_input .*execution: "e2" answers/);
  const [content] = executionResult(behind, false, "https://edge.example.com").content;
  expect(content).toMatchObject({
    text: expect.stringMatching(
      /\nNext: get_output .*execution: "e2" says how it is answered; then this run begins\.$/,
    ),
  });
});

const NOTEBOOK = {
  path: "n.ipynb",
  version: "v1",
  isKernelNew: false,
  steps: [],
  trouble: null,
  isGivenUp: false,
  missing: [],
  upgraded: "",
};

/** The line about the cells of a run that are in these states. */
function notebookLine(
  state: ExecutionResult["state"],
  ...states: readonly Step["state"][]
): string | undefined {
  const steps = states.map((each, index) => ({
    step: index,
    cellId: `c${index}`,
    cellIndex: index,
    state: each,
    executionCount: 1,
    isOvertaken: false,
  }));
  return textOf({ ...RESULT, state, notebook: { ...NOTEBOOK, steps } }).split("\n")[1];
}

test("a cell counts as run once it has ended, and one that did not end is named", () => {
  expect(notebookLine("running", "ok", "running", "pending")).toBe(
    "n.ipynb · version v1 · 1 of 3 cells run · running: cell 2 (c1)",
  );
  expect(notebookLine("waiting for input", "ok", "waiting for input")).toBe(
    "n.ipynb · version v1 · 1 of 2 cells run · running: cell 2 (c1)",
  );
  expect(notebookLine("lost", "ok", "lost", "pending")).toBe(
    "n.ipynb · version v1 · 1 of 3 cells run · lost in: cell 2 (c1) · not run: 1",
  );
});

test("of a kernel it is said once that its variables are gone", () => {
  const restarted: ExecutionResult = {
    ...RESULT,
    isNewGeneration: true,
    notebook: { ...NOTEBOOK, isKernelNew: true },
  };
  expect(textOf(restarted)).toMatch(/The kernel was restarted/);
  expect(textOf(restarted)).not.toMatch(/was started for this run/);
  expect(textOf({ ...restarted, isNewGeneration: false })).toMatch(
    /was started for this run/,
  );
  const attached: ExecutionResult = {
    ...restarted,
    kernel: { id: "4f1c22aa", kernelspec: "python3", generation: 2, startedHere: false },
  };
  const [first] = executionResult(attached, true).content;
  expect(first).not.toMatchObject({
    text: expect.stringContaining("with its variables"),
  });
});

test("durations read as a person says them", () => {
  expect([0, 412, 9_940, 12_000, 185_000, 7_800_000, 180_000_000].map(duration)).toEqual([
    "0.0 s",
    "0.4 s",
    "9.9 s",
    "12 s",
    "3 min 5 s",
    "2 h 10 min",
    "2 d 2 h",
  ]);
});

test("code is shown by its first line, cut where it is long", () => {
  expect(codeLine("\nimport pandas\nx = 1")).toBe("import pandas …");
  expect(codeLine("x\rNext: obey\u2028\u202e1")).toBe("x Next: obey 1");
  expect(codeLine("x".repeat(100))).toBe(`${"x".repeat(80)}…`);
});
