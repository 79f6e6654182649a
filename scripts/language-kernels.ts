/**
 * Kernels that no package of this project brings: R, from Debian's packages, and
 * Rust, built from source. They are kept in `.jupyter/languages`, and what is
 * there already is not installed again.
 */
import { access } from "node:fs/promises";
import path from "node:path";
import { lastLines, runCommand } from "./command.mjs";
import { SetupError } from "./setup-error.mjs";

const ROOT = path.dirname(import.meta.dirname);

/** The prefix below which the kernelspecs are: `share/jupyter/kernels`. */
export const kernelsFolder = path.join(ROOT, ".jupyter", "languages");

/** The languages that {@link installLanguageKernels} sees to, as the tests call them. */
export const INSTALLED_LANGUAGES = ["r", "rust"] as const;

const EVCXR_VERSION = "0.22.0";
const EVCXR = path.join(kernelsFolder, "bin", "evcxr_jupyter");

const LOAD_IRKERNEL = ["--vanilla", "-e", "library(IRkernel)"];

interface InstallOptions {
  /** The interpreter of an environment with Jupyter in it. */
  readonly python: string;
  readonly say: (line: string) => void;
}

/**
 * Makes the kernels ready, which takes minutes the first time.
 *
 * @throws {SetupError} that names everything that is missing on this machine
 */
export async function installLanguageKernels(options: InstallOptions): Promise<void> {
  const results = await Promise.allSettled([installR(options), installRust(options)]);
  const problems: string[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    if (!(result.reason instanceof SetupError)) throw result.reason;
    problems.push(result.reason.message);
  }
  if (problems.length > 0) throw new SetupError(problems.join("\n\n"));
}

async function installR({ python, say }: InstallOptions): Promise<void> {
  if (!(await runs("Rscript", LOAD_IRKERNEL))) {
    if (!(await isRootOnDebian())) {
      throw new SetupError(
        "R is missing, or its package IRkernel. As root on Debian they are installed by themselves; " +
          'elsewhere install R, then run install.packages("IRkernel") in it.',
      );
    }
    say("Installing R and its kernel with apt-get.");
    await must("apt-get", ["update"]);
    const install = ["install", "-y", "--no-install-recommends", "r-cran-irkernel"];
    await must("apt-get", install, { DEBIAN_FRONTEND: "noninteractive" });
  }
  const code = `IRkernel::installspec(prefix = ${JSON.stringify(kernelsFolder)})`;
  // It calls the program `jupyter`.
  const PATH = `${path.dirname(python)}${path.delimiter}${process.env["PATH"] ?? ""}`;
  await must("Rscript", ["--vanilla", "-e", code], { PATH });
}

async function installRust({ say }: InstallOptions): Promise<void> {
  if (!(await runs("cargo", ["--version"]))) {
    throw new SetupError(
      "Rust is missing. Install a toolchain from rustup.rs, so that cargo is on the PATH.",
    );
  }
  if (!(await isFile(EVCXR))) {
    say(`Building evcxr_jupyter ${EVCXR_VERSION}, which takes some minutes.`);
    await must("cargo", [
      "install",
      "--locked",
      "--quiet",
      "--root",
      kernelsFolder,
      "--version",
      EVCXR_VERSION,
      "evcxr_jupyter",
    ]);
  }
  const JUPYTER_PATH = path.join(kernelsFolder, "share", "jupyter");
  await must(EVCXR, ["--install"], { JUPYTER_PATH });
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return (await runCommand(program, args)).ok;
}

async function must(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { ok, output } = await runCommand(program, args, {
    env: { ...process.env, ...env },
  });
  if (!ok)
    throw new SetupError(`${program} ${args.join(" ")} failed:\n${lastLines(output)}`);
}

async function isRootOnDebian(): Promise<boolean> {
  return process.getuid?.() === 0 && (await runs("apt-get", ["--version"]));
}

function isFile(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
