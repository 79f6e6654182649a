import type { Account } from "../../account/account.ts";
import type { Conversation } from "../../conversation/conversation.ts";
import { ExpectedError, type Failure, valueOf } from "../../errors.ts";
import { conversationName, HANDLE_PATTERN, workspaceName } from "../../identity.ts";
import { judgeByHub } from "../../jupyter/hub-server.ts";
import { getVersion, listKernels } from "../../jupyter/kernels.ts";
import { JupyterServer } from "../../jupyter/server.ts";
import { adviceFor } from "../../mcp/advice.ts";
import type { ConversationSummary, Workspace } from "../../workspace/workspace.ts";

/** A page is worth so much waiting; whoever wants to know more opens it again. */
const SERVER_WAIT_MS = 4_000;

/** How a server is at the moment. `httpUrl` is null where nothing is known of it any more. */
export interface ServerState {
  readonly httpUrl: string | null;
  readonly answers: boolean;
  /** What it says of itself, or why it does not. */
  readonly word: string;
}

/** What a person reaches from a page: theirs, because every object is named after them. */
export class Person {
  readonly principal: string;
  readonly account: DurableObjectStub<Account>;
  readonly #env: Env;

  constructor(env: Env, principal: string) {
    this.#env = env;
    this.principal = principal;
    this.account = env.ACCOUNT.getByName(principal);
  }

  /** What the person's conversations share, on each server that they signed in with. */
  async workspaces(): Promise<DurableObjectStub<Workspace>[]> {
    const { principal } = this;
    const hashes = await this.account.servers();
    return hashes.map((serverHash) =>
      this.#env.WORKSPACE.getByName(workspaceName({ principal, serverHash })),
    );
  }

  /** The conversation of a handle, or null where the person has none: somebody else's is none either. */
  async conversation(handle: string): Promise<DurableObjectStub<Conversation> | null> {
    if (!HANDLE_PATTERN.test(handle)) return null;
    for (const serverHash of await this.account.servers()) {
      const identity = { principal: this.principal, serverHash, handle };
      const stub = this.#env.CONVERSATION.getByName(conversationName(identity));
      if ((await stub.standing()) !== null) return stub;
    }
    return null;
  }

  /** The conversations on all servers, the one used last first, and how many there are. */
  async conversations(
    limit: number,
  ): Promise<{ listed: ConversationSummary[]; total: number }> {
    const workspaces = await this.workspaces();
    const lists = await Promise.all(workspaces.map((each) => each.list(limit)));
    const listed = lists
      .flatMap(({ conversations }) => conversations)
      .toSorted((a, b) => b.usedAt - a.usedAt)
      .slice(0, limit);
    return { listed, total: lists.reduce((sum, { total }) => sum + total, 0) };
  }

  /** How each of the person's servers is. */
  async servers(): Promise<ServerState[]> {
    return Promise.all((await this.workspaces()).map(stateOf));
  }
}

async function stateOf(workspace: DurableObjectStub<Workspace>): Promise<ServerState> {
  let httpUrl: string | null = null;
  try {
    const address = valueOf(await workspace.address());
    httpUrl = address.httpUrl;
    const server = new JupyterServer(address, judgeByHub);
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), SERVER_WAIT_MS);
    const asked = Promise.all([getVersion(server), listKernels(server)]);
    const found = await Promise.race([asked, late]);
    clearTimeout(timer);
    asked.catch(() => undefined);
    if (found === null)
      return { httpUrl, answers: false, word: "It has not answered for four seconds." };
    const [version, kernels] = found;
    const running =
      kernels.length === 1 ? "1 kernel runs" : `${kernels.length} kernels run`;
    return {
      httpUrl,
      answers: true,
      word: `Jupyter Server ${version}; ${running} there.`,
    };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { httpUrl, answers: false, word: wordFor(error.failure) };
  }
}

/** Why a server does not answer, for the person whose it is. */
function wordFor(failure: Failure): string {
  // Whether it ever ran is not known here, and the words for assistants say that it did.
  return failure.code === "server_stopped"
    ? "Its JupyterHub does not run it at the moment, and starts it when an assistant needs it."
    : adviceFor(failure).message;
}
