import { expect, test } from "vitest";
import { adviceFor } from "../../../src/mcp/advice.ts";

const INSTALLED = ["python3 (python)"];

test.for([
  ["python3.12", /add Python to their Jupyter: `pip install ipykernel/],
  ["R", /add R to their Jupyter: `install\.packages\("IRkernel"\)/],
  ["ir", /IRkernel::installspec\(\)/],
  ["julia-1.11", /Pkg\.add\("IJulia"\)/],
  ["golang", /gonb --install/],
  ["rust", /evcxr_jupyter --install/],
  ["javascript", /deno jupyter --install/],
  ["deno", /deno jupyter --install/],
  ["bash", /bash_kernel\.install/],
] as const)(
  "who asks for %s, which is not installed, is told how a person adds it",
  ([kernel, recipe]) => {
    const failure = {
      code: "kernelspec_not_found",
      kernel,
      installed: INSTALLED,
    } as const;
    const { message, next } = adviceFor(failure);
    expect(message).toContain("Installed: python3 (python).");
    expect(next).toMatch(/^Call again with one of these, or ask the user to /);
    expect(next).toMatch(recipe);
  },
);

test("for a language that is not known here the person is asked to find its kernel", () => {
  const failure = {
    code: "kernelspec_not_found",
    kernel: "cobol",
    installed: INSTALLED,
  } as const;
  expect(adviceFor(failure).next).toBe(
    "Call again with one of these, or ask the user to install that kernel in their Jupyter.",
  );
});
