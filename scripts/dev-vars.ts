import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";

const NAMES_A_SERVER = [
  "JUPYTER_HOST",
  "JUPYTER_PORT",
  "JUPYTER_PROTOCOL",
  "JUPYTER_WS_PROTOCOL",
  "JUPYTER_TOKEN",
  "JUPYTER_BASE_PATH",
];

/** The variables of a `.dev.vars` file; none where there is no such file. */
export async function readDevVars(file: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
  const variables = Object.entries(parseEnv(text.replace(/^\uFEFF/, "")));
  return Object.fromEntries(variables.map(([name, value]) => [name, value ?? ""]));
}

/** Whether the variables say which Jupyter server to use. */
export function namesJupyterServer(variables: Readonly<Record<string, string>>): boolean {
  return NAMES_A_SERVER.some((name) => (variables[name] ?? "").trim() !== "");
}
