/**
 * Runs the packed Worker in workerd, with the parts of Cloudflare that it needs:
 * what `wrangler dev` does, without its proxy in front, its port for debuggers,
 * its pages for developers and its look for changed files. worker.ts starts it and sends it what to serve.
 *
 * What it prints as an error is for whoever started it; the rest is for a log.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";

/** What is served, and where. */
export interface Served {
  /** The folder with `wrangler.toml`. The state is below it. */
  readonly root: string;
  /** The folder with the packed Worker. */
  readonly packed: string;
  readonly port: number;
  /** The Worker's variables and secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether debuggers find a port. */
  readonly inspect: boolean;
}

/** Here and nowhere else. */
const HOST = "127.0.0.1";

class StderrLog extends Log {
  protected override log(message: string): void {
    console.error(message);
  }
}

process.once("message", (served: Served) => void serve(served));
// Until then nothing else keeps this process.
process.channel?.ref();

async function serve(served: Served): Promise<void> {
  process.channel?.unref();
  const runtime = new Miniflare(convertV4MiniflareOptions(await optionsFor(served)));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void runtime.dispose().finally(() => process.exit()));
  }
  await runtime.ready;
}

type Options = Parameters<typeof convertV4MiniflareOptions>[0];

async function optionsFor(served: Served): Promise<Options> {
  const { root, packed, port, settings, inspect } = served;
  const config = path.join(root, "wrangler.toml");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  const { name = "worker", main = "", vars } = unstable_readConfig({ config });
  const place = { host: HOST, port };
  // Local use gets requests as they were sent. Whoever signs in may come through a
  // proxy with TLS, and Miniflare's entry takes the scheme from X-Forwarded-Proto.
  const isThroughEntry = (settings["SIGN_IN"] ?? "").trim() !== "";
  return {
    ...(isThroughEntry ? place : { host: HOST, port: 0 }),
    ...(inspect ? { inspectorHost: HOST, inspectorPort: 0 } : {}),
    cf: false,
    telemetry: { enabled: false },
    log: new StderrLog(LogLevel.WARN),
    logRequests: false,
    handleStructuredLogs: ({ level, message }) => {
      const isOurs = message.startsWith('{"time":');
      if (level === "error" && !isOurs) console.error(message);
      else console.log(message);
    },
    resourcePersistencePath: path.join(root, ".wrangler", "state", "v3"),
    workers: [
      {
        ...workerOptions,
        name,
        modules: await modulesIn(packed, `${path.parse(main).name}.js`),
        modulesRoot: packed,
        modulesRules: undefined,
        // From nowhere else: it is a condition for use without sign-in.
        bindings: { ...vars, ...settings, LOCAL_USE: "1" },
        unsafeDirectSockets: isThroughEntry ? [] : [place],
      },
    ],
  };
}

/** The script and, as `rules` in `wrangler.toml` say, texts. */
async function modulesIn(folder: string, script: string) {
  const others = (await readdir(folder)).filter(
    (name) => name !== script && name !== "README.md" && !name.endsWith(".map"),
  );
  return Promise.all(
    [script, ...others].map(async (name) => {
      const place = path.join(folder, name);
      return {
        type: name === script ? ("ESModule" as const) : ("Text" as const),
        path: place,
        contents: await readFile(place, "utf8"),
      };
    }),
  );
}
