/**
 * Runs the packed Worker in workerd, with the parts of Cloudflare that it needs:
 * what `wrangler dev` does, without its proxy in front, its port for debuggers,
 * its pages for developers and its look for changed files. worker.ts starts it,
 * sends it what to serve, and hears when that is done.
 *
 * What it prints as an error is for whoever started it; the rest is for a log.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { READY, type Served } from "./served.ts";

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

/** Miniflare ends the runtime when this process ends, and this process on a signal. */
async function serve(served: Served): Promise<void> {
  process.channel?.unref();
  try {
    const runtime = new Miniflare(convertV4MiniflareOptions(await optionsFor(served)));
    await runtime.ready;
  } catch (error) {
    console.error(wordsFor(error, served.port));
    process.exit(1);
  }
  process.send?.(READY);
}

function wordsFor(error: unknown, port: number): string {
  if (!(error instanceof Error)) return String(error);
  const isTaken = "code" in error && error.code === "ERR_ADDRESS_IN_USE";
  return isTaken
    ? `Port ${port} was taken by another program meanwhile. Start again.`
    : error.message;
}

type Options = Parameters<typeof convertV4MiniflareOptions>[0];

async function optionsFor(served: Served): Promise<Options> {
  const { root, packed, port, settings, inspect } = served;
  const place = { config: path.join(root, "wrangler.toml") };
  // Packing has told what it thinks of it.
  const config = unstable_readConfig(place, { hideWarnings: true });
  const { name = "worker", main = "", vars } = config;
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  return {
    host: HOST,
    port,
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
      },
    ],
  };
}

/** The script and, as `rules` in `wrangler.toml` say, texts. */
async function modulesIn(folder: string, script: string) {
  const others = (await readdir(folder)).filter(
    (name) => name !== script && name !== "README.md" && !name.endsWith(".map"),
  );
  const binary = others.find((name) => /\.(?:wasm|bin)$/.test(name));
  if (binary !== undefined) throw new Error(`${binary} is no text: it cannot be served.`);
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
