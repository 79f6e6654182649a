import { expect, test } from "vitest";
import { ExpectedError, type Failure } from "../../../src/errors.ts";
import { findKernelspec, type Kernelspec } from "../../../src/jupyter/kernelspecs.ts";

function spec(name: string, language: string, displayName: string): Kernelspec {
  return { name, language, displayName };
}

const SPECS = [
  spec("python3", "python", "Python 3 (ipykernel)"),
  spec("ml", "python", "Python (ml)"),
  spec("ir", "R", "R"),
  spec("deno", "typescript", "Deno"),
  spec("rust", "rust", "Rust"),
  spec("bash", "bash", "Bash"),
  spec("julia-1.11", "julia", "Julia 1.11"),
  spec("julia-1.12", "julia", "Julia 1.12"),
];

function failureOf(work: () => unknown): Failure | null {
  try {
    work();
  } catch (error) {
    if (error instanceof ExpectedError) return error.failure;
  }
  return null;
}

test.for([
  ["r", "ir"],
  ["R", "ir"],
  ["ir", "ir"],
  ["typescript", "deno"],
  ["javascript", "deno"],
  ["js", "deno"],
  ["ts", "deno"],
  ["Deno", "deno"],
  ["rust", "rust"],
  ["bash", "bash"],
  ["sh", "bash"],
  ["python", "python3"],
  ["py", "python3"],
  ["Python (ml)", "ml"],
  ["julia 1.11", "julia-1.11"],
] as const)("%s means the kernelspec %s", ([wanted, name]) => {
  expect(findKernelspec(SPECS, wanted).name).toBe(name);
});

test("a language's own kernel comes before one that speaks it too", () => {
  const specs = [...SPECS, spec("jslab", "javascript", "JavaScript")];
  expect(findKernelspec(specs, "js").name).toBe("jslab");
});

test("several kernelspecs of a language, none of them the default, are named", () => {
  expect(failureOf(() => findKernelspec(SPECS, "julia"))).toEqual({
    code: "kernelspec_ambiguous",
    kernel: "julia",
    matches: ["julia-1.11", "julia-1.12"],
  });
});

test("what nobody speaks names what is installed", () => {
  const failure = failureOf(() => findKernelspec(SPECS.slice(0, 3), "go"));
  expect(failure).toEqual({
    code: "kernelspec_not_found",
    kernel: "go",
    installed: ["python3 (python)", "ml (python)", "ir (R)"],
  });
});
