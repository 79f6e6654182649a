import { z } from "zod";
import { LOG_LEVELS, type LogLevel } from "./log.ts";

/** Where a Jupyter server is and how its owner lets us in. URLs end without a slash. */
export interface JupyterAddress {
  /** `http(s)://host:port/base/path` of the REST API. */
  readonly httpUrl: string;
  /** The same with `ws(s)`, for kernel channels. */
  readonly wsUrl: string;
  /** Empty for a server without a token: then requests carry the `_xsrf` cookie instead. */
  readonly token: string;
  /** What else goes on every request to it: the service token of a tunnel in front of it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where a JupyterHub starts and stops it. */
  readonly hub?: HubPlace;
}

/** A server of one person on a JupyterHub. */
export interface HubPlace {
  /** Of the Hub: `http(s)://host:port/base/path`, without `/hub`. */
  readonly url: string;
  readonly user: string;
  /** Empty for a person's default server. */
  readonly server: string;
}

/** What one person may use, exactly. */
export interface Limits {
  readonly requestsPerMinute: number;
  readonly conversations: number;
  /** Executions that have not ended. */
  readonly executions: number;
  /** Of all conversations' journals. */
  readonly storedBytes: number;
}

/** What a conversation takes of what its person may use. */
export interface Standing {
  /** Executions that have not ended. */
  readonly running: number;
  readonly storedBytes: number;
}

/** A JupyterHub at which people sign in, and what it knows this Worker by. */
export interface HubSettings {
  /** `http(s)://host:port/base/path`, without `/hub` and without a slash at the end. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The named server that everybody gets; empty for the default one. */
  readonly server: string;
}

/** An OpenID Connect issuer at which people sign in, and who of them may. */
export interface OidcSettings {
  /** As it names itself. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Addresses, and domains that begin with `@`, in lower case. */
  readonly allowed: readonly string[];
}

/** How people sign in, and what they may do then. */
export interface SignIn {
  readonly method: "jupyter" | "jupyterhub" | "oidc";
  /** Complete with `SIGN_IN=jupyterhub`. */
  readonly hub: HubSettings;
  /** Complete with `SIGN_IN=oidc`. */
  readonly oidc: OidcSettings;
  /** The origin that clients use, without a slash at its end. */
  readonly publicUrl: string;
  /** The present `SEALING_KEY`, then the one that it replaced. */
  readonly sealingKeys: readonly string[];
  /** Whether there is a server of the deployment itself, at {@link Config.jupyter}. */
  readonly hasOwnServer: boolean;
  readonly allowsUserServers: boolean;
  readonly userServerPorts: readonly number[];
  readonly limits: Limits;
  /** How long it is kept what was done in a person's name. */
  readonly auditDays: number;
  /** Who may read that of everybody: principals, and names at the deployment's own issuer. */
  readonly owners: readonly string[];
}

/** The settings of a deployment, parsed and complete. */
export interface Config {
  readonly jupyter: JupyterAddress;
  /** True only under `npm start`: one of the conditions for use without sign-in. */
  readonly localUse: boolean;
  /** Null where nobody can sign in: then there is local use alone. */
  readonly signIn: SignIn | null;
  /** What sign-in lacks, as sentences without a full stop. Nobody is served until there is nothing. */
  readonly missing: readonly string[];
  /** Days after its last use when a conversation and its journal are forgotten. */
  readonly conversationTtlDays: number;
  /** How long a kernel's socket stays open after its last run, so that the next one is fast. */
  readonly kernelLingerMs: number;
  /** What is told less than this is not logged. */
  readonly logLevel: LogLevel;
  /** With it whoever looks after the deployment may ask how Jupyter is; empty where nobody may. */
  readonly healthToken: string;
}

/** A setting that cannot be used, named, with what it may be. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const PORT = z.coerce.number<string>().int().min(1).max(65_535);
const DAYS = z.coerce.number<string>().positive().max(3_650);
const COUNT = z.coerce.number<string>().int().min(1).max(1_000_000);
/** Shorter ones can be guessed. */
const MIN_SECRET_CHARS = 32;

/** Header names and values that `fetch` accepts. */
const headersSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: "no JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z.record(
      z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/),
      z.string().regex(/^[\x20-\x7e]*$/),
    ),
  );

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
  JUPYTER_HEADERS: optionalText("{}").transform((text, context) => {
    const parsed = headersSchema.safeParse(text);
    if (parsed.success) return parsed.data;
    context.addIssue({
      code: "custom",
      message: 'must be JSON like {"X-Name": "value"}',
    });
    return z.NEVER;
  }),
  CF_ACCESS_CLIENT_ID: optionalText(""),
  CF_ACCESS_CLIENT_SECRET: optionalText(""),
  SIGN_IN: optionalText("").pipe(z.enum(["", "jupyter", "jupyterhub", "oidc"])),
  PUBLIC_URL: optionalText("").refine(
    (text) => text === "" || isOrigin(text),
    "must be an origin like https://jupyter-edge.example.com, with https unless it is on loopback",
  ),
  JUPYTERHUB_URL: trustedUrl("https://hub.example.com"),
  JUPYTERHUB_CLIENT_ID: optionalText(""),
  JUPYTERHUB_CLIENT_SECRET: optionalText(""),
  JUPYTERHUB_SERVER: optionalText("").refine(
    (name) => !/[/\s\p{C}]/u.test(name),
    "must be the name of a server alone, like assistant",
  ),
  OIDC_ISSUER: trustedUrl("https://login.example.com"),
  OIDC_CLIENT_ID: optionalText(""),
  OIDC_CLIENT_SECRET: optionalText(""),
  OIDC_ALLOWED: optionalText("")
    .transform((text) =>
      text
        .toLowerCase()
        .split(/[\s,]+/)
        .filter((each) => each !== ""),
    )
    .refine(
      (entries) =>
        entries.every((each) => /^[\x21-\x3f\x41-\x7e]*@[a-z0-9.-]+$/.test(each)),
      "must be addresses and domains like ada@example.com,@example.org",
    ),
  SEALING_KEY: optionalText(""),
  SEALING_KEY_PREVIOUS: optionalText(""),
  ALLOW_USER_SERVERS: optionalText("false").pipe(z.enum(["true", "false"])),
  USER_SERVER_PORTS: optionalText("443,8443,8888")
    .transform((text) => text.split(",").map((port) => port.trim()))
    .pipe(z.array(PORT)),
  AUDIT_DAYS: optionalText("90").pipe(DAYS),
  OWNERS: optionalText("").transform((text) =>
    text
      .split(",")
      .map((owner) => owner.trim())
      .filter((owner) => owner !== ""),
  ),
  MAX_REQUESTS_PER_MINUTE: optionalText("300").pipe(COUNT),
  MAX_CONVERSATIONS: optionalText("500").pipe(COUNT),
  MAX_RUNNING_EXECUTIONS: optionalText("20").pipe(COUNT),
  MAX_STORED_MB: optionalText("1000").pipe(COUNT),
  CONVERSATION_TTL_DAYS: optionalText("30").pipe(DAYS),
  KERNEL_LINGER_SECONDS: optionalText("30").pipe(
    z.coerce.number<string>().min(0).max(600),
  ),
  LOG_LEVEL: optionalText("").pipe(z.enum(["", ...LOG_LEVELS])),
  HEALTH_TOKEN: optionalText("").refine(
    (token) => token === "" || token.length >= MIN_SECRET_CHARS,
    `must have ${MIN_SECRET_CHARS} characters or more`,
  ),
  LOCAL_USE: optionalText(""),
});

function optionalText(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((value) => value.trim() || fallback);
}

/** The URL of a service that the deployment's owner trusts with people's passwords. */
function trustedUrl(example: string) {
  return optionalText("").refine((text) => {
    if (text === "") return true;
    const url = URL.parse(text);
    return (
      url !== null &&
      isSafe(url) &&
      !/[?#\\\s]/.test(text) &&
      url.username === "" &&
      url.password === ""
    );
  }, `must be a URL like ${example}, with https unless it is on loopback`);
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
  const signIn = signInOf(settings, env);
  return {
    jupyter: {
      httpUrl: `${settings.JUPYTER_PROTOCOL}://${place}`,
      wsUrl: `${wsProtocol}://${place}`,
      token: settings.JUPYTER_TOKEN,
      headers: { ...settings.JUPYTER_HEADERS, ...accessHeaders(settings) },
    },
    localUse: settings.LOCAL_USE === "1",
    signIn,
    missing: settings.SIGN_IN === "" ? [] : missingOf(settings, env),
    conversationTtlDays: settings.CONVERSATION_TTL_DAYS,
    kernelLingerMs: settings.KERNEL_LINGER_SECONDS * 1000,
    // In local use nobody reads it unless something went wrong.
    logLevel: settings.LOG_LEVEL || (signIn === null ? "warn" : "info"),
    healthToken: settings.HEALTH_TOKEN,
  };
}

const configs = new WeakMap<object, Config>();

/** The same, read once for each set of variables: a request does not wait for it. @throws {ConfigError} */
export function configOf(env: object): Config {
  let config = configs.get(env);
  if (config === undefined) {
    config = parseConfig(env);
    configs.set(env, config);
  }
  return config;
}

type Settings = z.infer<typeof settingsSchema>;

function signInOf(settings: Settings, env: object): SignIn | null {
  if (settings.SIGN_IN === "") return null;
  const { SEALING_KEY, SEALING_KEY_PREVIOUS } = settings;
  return {
    method: settings.SIGN_IN,
    hub: {
      url: settings.JUPYTERHUB_URL.replace(/(?:\/hub)?\/*$/, ""),
      clientId: settings.JUPYTERHUB_CLIENT_ID,
      clientSecret: settings.JUPYTERHUB_CLIENT_SECRET,
      server: settings.JUPYTERHUB_SERVER,
    },
    oidc: {
      issuer: settings.OIDC_ISSUER,
      clientId: settings.OIDC_CLIENT_ID,
      clientSecret: settings.OIDC_CLIENT_SECRET,
      allowed: settings.OIDC_ALLOWED,
    },
    publicUrl: settings.PUBLIC_URL.replace(/\/$/, ""),
    sealingKeys: [SEALING_KEY, SEALING_KEY_PREVIOUS].filter((secret) => secret !== ""),
    hasOwnServer: hasOwnServer(env),
    allowsUserServers: settings.ALLOW_USER_SERVERS === "true",
    userServerPorts: settings.USER_SERVER_PORTS,
    limits: {
      requestsPerMinute: settings.MAX_REQUESTS_PER_MINUTE,
      conversations: settings.MAX_CONVERSATIONS,
      executions: settings.MAX_RUNNING_EXECUTIONS,
      storedBytes: settings.MAX_STORED_MB * 1_000_000,
    },
    auditDays: settings.AUDIT_DAYS,
    owners: settings.OWNERS,
  };
}

/** What each way to sign in needs of its own. */
const NEEDED = {
  "": [],
  jupyter: [],
  jupyterhub: ["JUPYTERHUB_URL", "JUPYTERHUB_CLIENT_ID", "JUPYTERHUB_CLIENT_SECRET"],
  oidc: ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ALLOWED"],
} as const satisfies Record<Settings["SIGN_IN"], readonly (keyof Settings)[]>;

/** What a deployment with sign-in needs and lacks. Holds no setting's value. */
function missingOf(settings: Settings, env: object): string[] {
  const missing: string[] = [];
  if (settings.PUBLIC_URL === "") missing.push("PUBLIC_URL is not set");
  for (const name of ["SEALING_KEY", "SEALING_KEY_PREVIOUS"] as const) {
    const { length } = settings[name];
    if (length === 0 && name === "SEALING_KEY") missing.push(`${name} is not set`);
    else if (length > 0 && length < MIN_SECRET_CHARS)
      missing.push(`${name} is shorter than ${MIN_SECRET_CHARS} characters`);
  }
  for (const name of NEEDED[settings.SIGN_IN])
    if (settings[name].length === 0) missing.push(`${name} is not set`);
  const isHub = settings.SIGN_IN === "jupyterhub";
  if (!isHub && !hasOwnServer(env) && settings.ALLOW_USER_SERVERS !== "true")
    missing.push("Neither JUPYTER_HOST is set nor ALLOW_USER_SERVERS=true");
  if (settings.SIGN_IN === "oidc" && hasOwnServer(env) && settings.JUPYTER_TOKEN === "")
    missing.push("JUPYTER_TOKEN is not set: with it everybody reaches JUPYTER_HOST");
  if (!("OAUTH_KV" in env)) missing.push("The KV namespace OAUTH_KV is not bound");
  return missing;
}

function hasOwnServer(env: object): boolean {
  return String(Reflect.get(env, "JUPYTER_HOST") ?? "").trim() !== "";
}

function accessHeaders(settings: Settings): Record<string, string> {
  const { CF_ACCESS_CLIENT_ID: id, CF_ACCESS_CLIENT_SECRET: secret } = settings;
  if ((id === "") !== (secret === ""))
    throw new ConfigError(
      "CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET: set both or neither",
    );
  return id === ""
    ? {}
    : { "CF-Access-Client-Id": id, "CF-Access-Client-Secret": secret };
}

/** http is for trying it out on one machine; everywhere else tokens would travel readable. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && `${url.origin}` === text.replace(/\/$/, "") && isSafe(url);
}

function isSafe({ protocol, hostname }: URL): boolean {
  const isLoopback = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isLoopback);
}

function basePath(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "");
  return segments.map((segment) => `/${segment}`).join("");
}
