import { z } from "zod";

/** Where a Jupyter server is and how its owner lets us in. URLs end without a slash. */
export interface JupyterAddress {
  /** `http(s)://host:port/base/path` of the REST API. */
  readonly httpUrl: string;
  /** The same with `ws(s)`, for kernel channels. */
  readonly wsUrl: string;
  /** Empty for a server without a token: then requests carry the `_xsrf` cookie instead. */
  readonly token: string;
}

/** The settings of a deployment, parsed and complete. */
export interface Config {
  readonly jupyter: JupyterAddress;
  /** True only under `npm start`: one of the conditions for use without sign-in. */
  readonly localUse: boolean;
  /** Days after its last use when a conversation and its journal are forgotten. */
  readonly conversationTtlDays: number;
  /** How long a kernel's socket stays open after its last run, so that the next one is fast. */
  readonly kernelLingerMs: number;
}

/** A setting that cannot be used, named, with what it may be. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const PORT = z.coerce.number<string>().int().min(1).max(65_535);

const settingsSchema = z.object({
  JUPYTER_HOST: optionalText("localhost").refine(
    (host) => !/[\s/?#@\\]/.test(host),
    "must be a host name or address alone, like localhost or gpu.example.com",
  ),
  JUPYTER_PORT: optionalText("8888").pipe(PORT),
  JUPYTER_PROTOCOL: optionalText("http").pipe(z.enum(["http", "https"])),
  JUPYTER_WS_PROTOCOL: optionalText("").pipe(z.enum(["", "ws", "wss"])),
  JUPYTER_BASE_PATH: optionalText("").refine(
    (path) => !/[?#\\]|\/\.\.?(\/|$)|^\.\.?(\/|$)/.test(path),
    "must be a path alone, like /user/ada",
  ),
  JUPYTER_TOKEN: optionalText(""),
  CONVERSATION_TTL_DAYS: optionalText("30").pipe(
    z.coerce.number<string>().positive().max(3_650),
  ),
  KERNEL_LINGER_SECONDS: optionalText("30").pipe(
    z.coerce.number<string>().min(0).max(600),
  ),
  LOCAL_USE: optionalText(""),
});

function optionalText(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((value) => value.trim() || fallback);
}

/**
 * Reads the Worker's variables. Unset and empty ones get their defaults.
 *
 * @throws {ConfigError} naming each variable that cannot be used
 */
export function parseConfig(env: object): Config {
  const parsed = settingsSchema.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join(".")}: ${issue.message}`,
    );
    throw new ConfigError(problems.join("; "));
  }
  const settings = parsed.data;
  const wsProtocol =
    settings.JUPYTER_WS_PROTOCOL ||
    (settings.JUPYTER_PROTOCOL === "https" ? "wss" : "ws");
  const host = settings.JUPYTER_HOST.includes(":")
    ? `[${settings.JUPYTER_HOST.replace(/^\[|\]$/g, "")}]`
    : settings.JUPYTER_HOST;
  const place = `${host}:${settings.JUPYTER_PORT}${basePath(settings.JUPYTER_BASE_PATH)}`;
  return {
    jupyter: {
      httpUrl: `${settings.JUPYTER_PROTOCOL}://${place}`,
      wsUrl: `${wsProtocol}://${place}`,
      token: settings.JUPYTER_TOKEN,
    },
    localUse: settings.LOCAL_USE === "1",
    conversationTtlDays: settings.CONVERSATION_TTL_DAYS,
    kernelLingerMs: settings.KERNEL_LINGER_SECONDS * 1000,
  };
}

function basePath(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "");
  return segments.map((segment) => `/${segment}`).join("");
}
