import { createMcpHandler } from "agents/mcp/server";
import type { Scope } from "../scopes.ts";
import type { JupyterAddress } from "../config.ts";
import {
  conversationName,
  hashServer,
  mintHandle,
  roomName,
  workspaceName,
} from "../identity.ts";
import { judgeByHub } from "../jupyter/hub-server.ts";
import { JupyterServer } from "../jupyter/server.ts";
import { type Log, shortPerson } from "../log.ts";
import { Notebooks, roomKeeper } from "../notebook/access.ts";
import { createServer } from "./server.ts";
import type { ServerReadiness } from "./tool.ts";

/** Code of 1,000,000 characters in JSON, with room for what is around it. */
export const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** Who calls, on which server, and what they may do there. */
export interface Caller {
  readonly principal: string;
  readonly address: JupyterAddress;
  readonly scopes: readonly Scope[];
  /** The origin of the pages of whoever signed in; null for local use. */
  readonly pagesAt: string | null;
  /** Whether a token says so, which no page of another site can send by itself. */
  readonly hasToken: boolean;
  /** Where something has to be started before it answers. */
  readonly server?: ServerReadiness | undefined;
  readonly log: Log;
}

const ALWAYS_READY: ServerReadiness = {
  ready: () => Promise.resolve(),
  doubt: () => undefined,
};

/** The names of what is a caller's own: nothing else can be addressed with them. */
export async function ownerOf({
  principal,
  address,
}: Pick<Caller, "principal" | "address">) {
  return { principal, serverHash: await hashServer(address.httpUrl) };
}

/** Answers one MCP request. Nothing of the protocol is kept between two of them. */
export async function serveMcp(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  caller: Caller,
): Promise<Response> {
  const owner = await ownerOf(caller);
  const identity = (handle: string) => ({ ...owner, handle });
  const reopenWorkspace = () => env.WORKSPACE.getByName(workspaceName(owner));
  const workspace = reopenWorkspace();
  const jupyter = new JupyterServer(caller.address, judgeByHub);
  const context = {
    conversations: {
      identity,
      mint: () => identity(mintHandle()),
      get: (handle: string) =>
        env.CONVERSATION.getByName(conversationName(identity(handle))),
    },
    workspace,
    reopenWorkspace,
    jupyter,
    notebooks: new Notebooks(jupyter, workspace, async (path) => {
      const room = env.NOTEBOOK_ROOM.getByName(await roomName(owner, path));
      return roomKeeper(room, { owner, path });
    }),
    scopes: caller.scopes,
    log: caller.log.with({
      person: shortPerson(caller.principal),
      protocol: request.headers.get("mcp-protocol-version") ?? undefined,
    }),
    server: caller.server ?? ALWAYS_READY,
    pagesAt: caller.pagesAt,
  };
  const handler = createMcpHandler(() => createServer(context), {
    // Only a stream sends keep-alives while a call waits, and notices a client that has left.
    responseMode: "sse",
    corsOptions: false,
    // Without a token the origin was checked before; with one, clients in browsers may call too.
    ...(caller.hasToken && { allowedOriginHostnames: "*" as const }),
    maxRequestBodySize: MAX_REQUEST_BYTES,
  });
  return handler(request, env, ctx);
}
