import { z } from "zod";
import { lookAtDeno } from "./deno.ts";
import { lookAtEvcxr } from "./evcxr.ts";
import type { LookAtVariables } from "./found.ts";
import { lookAtPython } from "./python.ts";
import { lookAtR } from "./r.ts";

const kernelInfoSchema = z.object({
  implementation: z.string().catch(""),
  language_info: z.object({ name: z.string().catch("") }).catch({ name: "" }),
});

/** What a kernel is, by its own word. */
export type KernelInfo = z.infer<typeof kernelInfoSchema>;

/** Reads a `kernel_info_reply`. What it leaves out is empty. */
export function parseKernelInfo(reply: unknown): KernelInfo {
  return kernelInfoSchema.parse(reply ?? {});
}

/** How to look at the variables of a kernel, or null where that is not known. */
export function lookerFor({
  implementation,
  language_info: language,
}: KernelInfo): LookAtVariables | null {
  switch (implementation) {
    case "IRkernel":
      return lookAtR;
    case "Deno kernel":
      return lookAtDeno;
    case "evcxr_jupyter":
      return lookAtEvcxr;
    default:
      // IPython has several kernels around it.
      return language.name === "python" ? lookAtPython : null;
  }
}
