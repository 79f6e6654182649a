import { createMcpHandler } from "agents/mcp/server";
import { localRefusal } from "./auth/local.ts";
import { ConfigError, parseConfig, type Config } from "./config.ts";
import { ExpectedError } from "./errors.ts";
import {
  conversationName,
  hashServer,
  LOCAL_PRINCIPAL,
  mintHandle,
  workspaceName,
} from "./identity.ts";
import { getVersion } from "./jupyter/kernels.ts";
import { JupyterServer } from "./jupyter/server.ts";
import { adviceFor } from "./mcp/advice.ts";
import { createServer } from "./mcp/server.ts";
import type { JupyterState } from "./web/landing.tsx";
import { notOpenResponse } from "./web/not-open.ts";
import { pages } from "./web/pages.tsx";

export { Conversation } from "./conversation/conversation.ts";
export { Workspace } from "./workspace/workspace.ts";

/** Code of 1,000,000 characters in JSON, with room for what is around it. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

export default {
  async fetch(request, env, ctx): Promise<Response> {
    let config: Config;
    try {
      config = parseConfig(env);
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
    if (new URL(request.url).pathname !== "/mcp") {
      return pages({ config, checkJupyter: () => jupyterState(config) }).fetch(request);
    }
    const refusal = localRefusal(request, config);
    if (refusal !== null) return notOpenResponse(refusal);
    return serveMcp(request, env, ctx, config);
  },
} satisfies ExportedHandler<Env>;

/** Answers one MCP request for the principal of local use. */
async function serveMcp(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  config: Config,
): Promise<Response> {
  const serverHash = await hashServer(config.jupyter.httpUrl);
  const owner = { principal: LOCAL_PRINCIPAL, serverHash };
  const identity = (handle: string) => ({ ...owner, handle });
  const context = {
    conversations: {
      identity,
      mint: () => identity(mintHandle()),
      get: (handle: string) =>
        env.CONVERSATION.getByName(conversationName(identity(handle))),
    },
    workspace: env.WORKSPACE.getByName(workspaceName(owner)),
    jupyter: new JupyterServer(config.jupyter),
  };
  const handler = createMcpHandler(() => createServer(context), {
    // Only a stream sends keep-alives while a call waits, and notices a client that has left.
    responseMode: "sse",
    corsOptions: false,
    maxRequestBodySize: MAX_REQUEST_BYTES,
  });
  return handler(request, env, ctx);
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
