import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { version } from "../../package.json";
import { localRefusal } from "../auth/local.ts";
import type { Config } from "../config.ts";
import { type JupyterState, landingPage } from "./landing.tsx";
import { Layout } from "./layout.tsx";
import { missingFor } from "./not-open.ts";
import { styleSource } from "./style.ts";

/** What the pages need. `checkJupyter` never rejects, and may answer from a short memory. */
export interface PagesDeps {
  readonly config: Pick<Config, "localUse">;
  readonly checkJupyter: () => Promise<JupyterState>;
}

type Env = { Variables: { styleSource: string } };

/** Pages change with a deploy only, and strangers may ask as often as they like. */
const STRANGERS = "public, max-age=60";
const LOCAL = "no-store";

/** What a browser sees: `/`, `/health`, and a word for every other path. */
export function pages({ config, checkJupyter }: PagesDeps): Hono<Env> {
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    c.set("styleSource", await styleSource());
    await next();
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: [(c: Context<Env>) => c.get("styleSource")],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      xFrameOptions: "DENY",
      referrerPolicy: "no-referrer",
      // It would outlive a trial over https on localhost and cover every other
      // port there, and the subdomains of a custom domain.
      strictTransportSecurity: false,
    }),
  );

  app.get("/", async (c) => {
    const refusal = localRefusal(c.req.raw, config);
    const local = refusal === null;
    c.header("Cache-Control", local ? LOCAL : STRANGERS);
    return c.html(
      landingPage({
        origin: new URL(c.req.url).origin,
        local,
        jupyter: local ? await checkJupyter() : null,
        missing: local ? [] : missingFor(refusal),
      }),
    );
  });

  app.get("/health", async (c) => {
    const local = localRefusal(c.req.raw, config) === null;
    c.header("Cache-Control", local ? LOCAL : STRANGERS);
    const health = { status: "ok", version };
    return c.json(local ? { ...health, jupyter: await checkJupyter() } : health);
  });

  for (const path of ["/", "/health"]) {
    app.all(path, (c) => {
      c.header("Allow", "GET, HEAD");
      c.header("Cache-Control", "no-store");
      return c.text(`${path} answers GET and HEAD only.\n`, 405);
    });
  }

  app.notFound((c) => {
    c.header("Cache-Control", "no-store");
    return c.html(notFoundPage(), 404);
  });

  return app;
}

function notFoundPage() {
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
