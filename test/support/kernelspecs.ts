import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** The contents of a `kernel.json`. */
export interface KernelspecFile {
  readonly argv: readonly string[];
  readonly display_name: string;
  readonly language: string;
  readonly interrupt_mode?: "signal" | "message";
}

/** Makes a kernel known to a Jupyter that looks for data in `dataFolder`. */
export async function writeKernelspec(
  dataFolder: string,
  name: string,
  kernelspec: KernelspecFile,
): Promise<void> {
  const folder = path.join(dataFolder, "kernels", name);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "kernel.json"), JSON.stringify(kernelspec));
}
