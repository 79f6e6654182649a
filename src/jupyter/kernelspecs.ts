import { z } from "zod";
import { ExpectedError } from "../errors.ts";
import { parse } from "./kernels.ts";
import type { JupyterServer } from "./server.ts";

const kernelspecsSchema = z.object({
  default: z.string().catch(""),
  kernelspecs: z.record(
    z.string(),
    z.object({
      name: z.string(),
      spec: z.object({
        language: z.string().catch(""),
        display_name: z.string().catch(""),
      }),
    }),
  ),
});

/** What a kernel can be started from. `language` is as the kernelspec writes it. */
export interface Kernelspec {
  readonly name: string;
  readonly language: string;
  readonly displayName: string;
}

/** The kernelspecs of a server, its default one first. */
export async function listKernelspecs(
  server: JupyterServer,
): Promise<readonly Kernelspec[]> {
  const response = await server.request("/api/kernelspecs");
  const body = parse(
    server,
    kernelspecsSchema,
    response.status === 404 ? null : response.json(),
  );
  return Object.values(body.kernelspecs)
    .map(({ name, spec }) => ({
      name,
      language: spec.language,
      displayName: spec.display_name,
    }))
    .toSorted(
      (a, b) => Number(b.name === body.default) - Number(a.name === body.default),
    );
}

/** What else a language is called, or is spoken by the kernels of; the first that is there is meant. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = {
  golang: ["go"],
  javascript: ["typescript"],
  jl: ["julia"],
  js: ["javascript", "typescript"],
  py: ["python"],
  rs: ["rust"],
  sh: ["bash"],
  shell: ["bash"],
  ts: ["typescript"],
};

/** The kernelspecs that a name, a language or a display name means, in any case of its letters. */
export function matchingKernelspecs(
  kernelspecs: readonly Kernelspec[],
  wanted: string,
): readonly Kernelspec[] {
  const lowerCase = wanted.trim().toLowerCase();
  for (const name of [lowerCase, ...(OTHERWISE[lowerCase] ?? [])]) {
    for (const field of ["name", "language", "displayName"] as const) {
      const matches = kernelspecs.filter((spec) => spec[field].toLowerCase() === name);
      if (matches.length > 0) return matches;
    }
  }
  return [];
}

/**
 * The kernelspec that a name or a language means. A language with several
 * kernelspecs means the server's default one where that is among them.
 *
 * @throws {ExpectedError} where nothing or more than one thing matches
 */
export function findKernelspec(
  kernelspecs: readonly Kernelspec[],
  wanted: string,
): Kernelspec {
  const matches = matchingKernelspecs(kernelspecs, wanted);
  const [first, second] = matches;
  if (first === undefined) {
    throw new ExpectedError({
      code: "kernelspec_not_found",
      kernel: wanted,
      installed: kernelspecs.map((spec) => `${spec.name} (${spec.language})`),
    });
  }
  if (second === undefined || first === kernelspecs[0]) return first;
  throw new ExpectedError({
    code: "kernelspec_ambiguous",
    kernel: wanted,
    matches: matches.map((spec) => spec.name),
  });
}
