import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { localRefusal, type LocalRefusal } from "../auth/local.ts";
import { CALLBACK_PATH } from "../auth/upstream.ts";
import type { Config } from "../config.ts";
import { failureOf } from "../errors.ts";
import type { JupyterHealth } from "../jupyter/health.ts";
import type { Log } from "../log.ts";
import { adviceFor } from "../mcp/advice.ts";
import { bearerOf, healthReport, PUBLIC_HEALTH, stateOf } from "./health.ts";
import { landingPage } from "./landing.tsx";
import { Layout } from "./layout.tsx";
import { missingFor } from "./not-open.ts";
import { styleSource } from "./style.ts";

/** What the pages need. */
export interface PagesDeps {
  readonly config: Pick<Config, "localUse" | "healthToken"> & {
    readonly jupyter: Pick<Config["jupyter"], "httpUrl">;
  };
  readonly log: Log;
  /** For those who may know how the configured server is. Null where there is none. */
  readonly checkJupyter: (() => Promise<JupyterHealth>) | null;
  /** Whether a request comes from the browser of one of the deployment's owners. */
  readonly isOwners?: (request: Request) => Promise<boolean>;
  /** Where people sign in. Then nobody is local. */
  readonly authorize?: Hono<PagesEnv>;
  /** Where they come back to from where they have an account. */
  readonly callback?: Hono<PagesEnv> | undefined;
  /** What those who signed in see of their own. */
  readonly account?: Hono<PagesEnv>;
  /** What keeps the deployment closed for everybody. */
  readonly missing?: readonly string[];
}

/** What each request to a page carries with it. */
export type PagesEnv = {
  Variables: {
    styleSource: string;
    formTargets: readonly string[];
    /** The one script of the page, which may ask this origin; null for a page without. */
    script: string | null;
  };
};

const CSP = "Content-Security-Policy";
const NO_FORMS = "'none'";

/** Pages change with a deploy only, and strangers may ask as often as they like. */
const STRANGERS = "public, max-age=60";
const LOCAL = "no-store";
/** Tells everybody that the Worker answers, whatever is with Jupyter. */
const LIVE_PATH = "/health/live";

/** What a browser sees: `/`, `/health`, and a word for every other path. */
export function pages(deps: PagesDeps): Hono<PagesEnv> {
  const { config, checkJupyter, authorize, account, missing = [] } = deps;
  const app = new Hono<PagesEnv>();
  const hasSignIn = authorize !== undefined || missing.length > 0;
  const refusalOf = (request: Request): LocalRefusal | "sign-in" | null =>
    hasSignIn ? "sign-in" : localRefusal(request, config);

  app.use(async (c, next) => {
    c.set("styleSource", await styleSource());
    c.set("formTargets", [NO_FORMS]);
    c.set("script", null);
    await next();
    // Known once the page is made, and `secureHeaders` looks before that.
    const policy = c.res.headers
      .get(CSP)
      ?.replace(
        `form-action ${NO_FORMS}`,
        `form-action ${c.get("formTargets").join(" ")}`,
      );
    const script = c.get("script");
    const scripts = script === null ? "" : `; script-src ${script}; connect-src 'self'`;
    if (policy !== undefined) c.res.headers.set(CSP, policy + scripts);
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: [(c: Context<PagesEnv>) => c.get("styleSource")],
        baseUri: ["'none'"],
        formAction: [NO_FORMS],
        frameAncestors: ["'none'"],
      },
      xFrameOptions: "DENY",
      // With none, browsers send the pages' own forms without their origin.
      referrerPolicy: "same-origin",
      // It would outlive a trial over https on localhost and cover every other
      // port there, and the subdomains of a custom domain.
      strictTransportSecurity: false,
    }),
  );

  app.get("/", async (c) => {
    const refusal = refusalOf(c.req.raw);
    const local = refusal === null;
    c.header("Cache-Control", local ? LOCAL : STRANGERS);
    return c.html(
      landingPage({
        origin: new URL(c.req.url).origin,
        local,
        jupyter:
          local && checkJupyter !== null
            ? stateOf(await checkJupyter(), config.jupyter.httpUrl)
            : null,
        missing: local || refusal === "sign-in" ? missing : missingFor(refusal),
      }),
      missing.length > 0 ? 503 : 200,
    );
  });

  app.get("/health", async (c) => {
    const local = refusalOf(c.req.raw) === null;
    const bearer = local ? "none" : await bearerOf(c.req.raw, config.healthToken);
    c.header("Vary", "Authorization, Cookie");
    if (bearer === "wrong") {
      deps.log.warn("refused", { at: "health", outcome: "wrong_secret" });
      c.header("Cache-Control", LOCAL);
      c.header("WWW-Authenticate", "Bearer");
      return c.json({ error: "That is not the HEALTH_TOKEN of this deployment." }, 401);
    }
    const mayKnow =
      local || bearer === "right" || ((await deps.isOwners?.(c.req.raw)) ?? false);
    c.header("Cache-Control", mayKnow ? LOCAL : STRANGERS);
    if (!mayKnow) return c.json(PUBLIC_HEALTH);
    const url = local ? config.jupyter.httpUrl : undefined;
    const report = await healthReport({ checkJupyter, url });
    return c.json(report, report.status === "ok" ? 200 : 503);
  });

  app.get(LIVE_PATH, (c) => {
    c.header("Cache-Control", LOCAL);
    return c.json(PUBLIC_HEALTH);
  });

  if (authorize !== undefined) app.route("/authorize", authorize);
  if (deps.callback !== undefined) app.route(CALLBACK_PATH, deps.callback);
  if (account !== undefined) app.route("/account", account);

  for (const path of ["/", "/health", LIVE_PATH]) {
    app.all(path, (c) => {
      c.header("Allow", "GET, HEAD");
      c.header("Cache-Control", "no-store");
      return c.text(`${path} answers GET and HEAD only.\n`, 405);
    });
  }

  app.onError((error, c) => {
    c.header("Cache-Control", "no-store");
    const failure = failureOf(error);
    if (failure?.code === "storage_newer") {
      const { message, next } = adviceFor(failure);
      return c.text(`${message} ${next}\n`, 503);
    }
    const id = deps.log.bug({ task: "page", route: c.req.routePath }, error);
    return c.text(`Something went wrong in the server itself (error ${id}).\n`, 500);
  });

  app.notFound((c) => {
    c.header("Cache-Control", "no-store");
    return c.html(<NotFound />, 404);
  });

  return app;
}

/** What is shown where there is nothing, or nothing of whoever asks. */
export function NotFound() {
  return (
    <Layout
      title="No such page · Jupyter Edge MCP"
      heading="No such page"
      lead="There is nothing at this address."
    >
      <p>
        MCP clients connect to <code>/mcp</code>. How to set one up is on{" "}
        <a href="/">the first page</a>.
      </p>
    </Layout>
  );
}
