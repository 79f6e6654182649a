/**
 * The Worker as it is, with one more way in: the bench can abort the object of a
 * conversation, which nobody can from the outside.
 */
import { Conversation as Whole } from "../src/conversation/conversation.ts";
import { conversationName, hashServer, LOCAL_PRINCIPAL } from "../src/identity.ts";
import { parseConfig } from "../src/config.ts";
import worker from "../src/index.ts";

export { Account } from "../src/account/account.ts";
export { Deployment } from "../src/account/deployment.ts";
export { NotebookRoom } from "../src/workspace/notebook-room.ts";
export { Workspace } from "../src/workspace/workspace.ts";

/** A conversation whose object can be aborted. */
export class Conversation extends Whole {
  /** Never answers: the object is gone. */
  abortNow(): void {
    this.ctx.abort();
  }
}

export default {
  ...worker,
  async fetch(request, env, ctx): Promise<Response> {
    const handle = /^\/faults\/abort\/(c_\w+)$/.exec(new URL(request.url).pathname)?.[1];
    if (handle === undefined) return worker.fetch(request, env, ctx);
    const serverHash = await hashServer(parseConfig(env).jupyter.httpUrl);
    const name = conversationName({ principal: LOCAL_PRINCIPAL, serverHash, handle });
    // The class of the binding is the one above.
    const stub = env.CONVERSATION.getByName(name) as unknown as Pick<
      Conversation,
      "abortNow"
    >;
    await Promise.resolve(stub.abortNow()).catch(() => undefined);
    return new Response("aborted\n");
  },
} satisfies ExportedHandler<Env>;
