import { localRefusal } from "./auth/local.ts";
import { signedInFetch, tidyUp } from "./signed-in.ts";
import { ConfigError, configOf, type Config } from "./config.ts";
import { ExpectedError } from "./errors.ts";
import { LOCAL_PRINCIPAL } from "./identity.ts";
import { getVersion } from "./jupyter/kernels.ts";
import { JupyterServer } from "./jupyter/server.ts";
import { serveMcp } from "./mcp/endpoint.ts";
import { adviceFor } from "./mcp/advice.ts";
import { SCOPES } from "./scopes.ts";
import type { JupyterState } from "./web/landing.tsx";
import { closedResponse, notOpenResponse } from "./web/not-open.ts";
import { pages } from "./web/pages.tsx";

export { Account } from "./account/account.ts";
export { Deployment } from "./account/deployment.ts";
export { Conversation } from "./conversation/conversation.ts";
export { NotebookRoom } from "./workspace/notebook-room.ts";
export { Workspace } from "./workspace/workspace.ts";

export default {
  async fetch(request, env, ctx): Promise<Response> {
    let config: Config;
    try {
      config = configOf(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      console.error(`These settings cannot be used: ${error.message}`);
      return new Response(
        "The settings of this server cannot be used; its log names them.\n",
        {
          status: 500,
        },
      );
    }
    if (config.missing.length > 0) return closedFetch(request, config);
    if (config.signIn !== null)
      return signedInFetch(request, env, ctx, config, config.signIn);
    if (new URL(request.url).pathname !== "/mcp") {
      return pages({ config, checkJupyter: () => jupyterState(config) }).fetch(request);
    }
    const refusal = localRefusal(request, config);
    if (refusal !== null) return notOpenResponse(refusal);
    const local = {
      principal: LOCAL_PRINCIPAL,
      address: config.jupyter,
      scopes: SCOPES,
      pagesAt: null,
      hasToken: false,
    };
    return serveMcp(request, env, ctx, local);
  },

  /** By the cron trigger of `wrangler.toml`. */
  async scheduled(_controller, env): Promise<void> {
    const { signIn, missing } = configOf(env);
    if (signIn !== null && missing.length === 0) await tidyUp(env, signIn);
  },
} satisfies ExportedHandler<Env>;

/** A deployment that lacks something serves nobody, and lists what it is. */
function closedFetch(request: Request, config: Config): Response | Promise<Response> {
  const { missing } = config;
  const isPage = new URL(request.url).pathname === "/";
  return isPage
    ? pages({ config, checkJupyter: null, missing }).fetch(request)
    : closedResponse(missing, 503);
}

async function jupyterState({ jupyter }: Config): Promise<JupyterState> {
  const url = jupyter.httpUrl;
  try {
    return { answers: true, version: await getVersion(new JupyterServer(jupyter)), url };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { answers: false, url, reason: adviceFor(error.failure).message };
  }
}
