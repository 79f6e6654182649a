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

/**
 * The kernelspec that a name or a language means. A language with several
 * kernelspecs means the server's default one where that is among them.
 *
 * @throws {ExpectedError} where nothing or more than one thing matches
 */
export function findKernelspec(
  kernelspecs: readonly Kernelspec[],
  nameOrLanguage: string,
): Kernelspec {
  const wanted = nameOrLanguage.toLowerCase();
  const exact = kernelspecs.find((spec) => spec.name.toLowerCase() === wanted);
  if (exact !== undefined) return exact;
  const speaking = kernelspecs.filter((spec) => spec.language.toLowerCase() === wanted);
  const [first, second] = speaking;
  if (first === undefined) {
    throw new ExpectedError({
      code: "kernelspec_not_found",
      kernel: nameOrLanguage,
      installed: kernelspecs.map((spec) => `${spec.name} (${spec.language})`),
    });
  }
  if (second === undefined || first === kernelspecs[0]) return first;
  throw new ExpectedError({
    code: "kernelspec_ambiguous",
    kernel: nameOrLanguage,
    matches: speaking.map((spec) => spec.name),
  });
}
