import { DEPLOYMENT_NAME } from "./account/deployment.ts";
import { localRefusal } from "./auth/local.ts";
import { signedInFetch, tidyUp } from "./signed-in.ts";
import { ConfigError, configOf, type Config } from "./config.ts";
import { LOCAL_PRINCIPAL } from "./identity.ts";
import { Log, requestIdOf } from "./log.ts";
import { serveMcp } from "./mcp/endpoint.ts";
import { SCOPES } from "./scopes.ts";
import { closedResponse, notOpenResponse } from "./web/not-open.ts";
import { pages } from "./web/pages.tsx";

export { Account } from "./account/account.ts";
export { Deployment } from "./account/deployment.ts";
export { Conversation } from "./conversation/conversation.ts";
export { NotebookRoom } from "./workspace/notebook-room.ts";
export { Workspace } from "./workspace/workspace.ts";

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const about = { request: requestIdOf(request) };
    let config: Config;
    try {
      config = configOf(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      new Log("info", about).settingsUnusable(error);
      return new Response(
        "The settings of this server cannot be used; its log names them.\n",
        {
          status: 500,
        },
      );
    }
    const log = new Log(config.logLevel, about);
    if (config.missing.length > 0) return closedFetch(request, config, log);
    if (config.signIn !== null)
      return signedInFetch(request, env, ctx, config, config.signIn, log);
    if (new URL(request.url).pathname !== "/mcp") {
      const checkJupyter = () =>
        env.DEPLOYMENT.getByName(DEPLOYMENT_NAME).jupyterHealth();
      return pages({ config, log, checkJupyter }).fetch(request);
    }
    const refusal = localRefusal(request, config);
    if (refusal !== null) {
      log.warn("refused", { outcome: "not_open" });
      return notOpenResponse(refusal);
    }
    const local = {
      principal: LOCAL_PRINCIPAL,
      address: config.jupyter,
      scopes: SCOPES,
      pagesAt: null,
      hasToken: false,
      log,
    };
    return serveMcp(request, env, ctx, local);
  },

  /** By the cron trigger of `wrangler.toml`. */
  async scheduled(_controller, env): Promise<void> {
    const { signIn, missing, logLevel } = configOf(env);
    if (signIn !== null && missing.length === 0)
      await tidyUp(env, signIn, new Log(logLevel));
  },
} satisfies ExportedHandler<Env>;

/** A deployment that lacks something serves nobody, and lists what it is. */
function closedFetch(
  request: Request,
  config: Config,
  log: Log,
): Response | Promise<Response> {
  const { missing } = config;
  const isPage = new URL(request.url).pathname === "/";
  return isPage
    ? pages({ config, log, checkJupyter: null, missing }).fetch(request)
    : closedResponse(missing, 503);
}
