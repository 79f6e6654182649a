/** A Worker whose objects do nothing: what the runtime keeps of an object is measured on them. */

import { DurableObject } from "cloudflare:workers";

class Empty extends DurableObject {
  /** Is called, and that is all. */
  touch(): void {}
}

export class Conversation extends Empty {}
export class Workspace extends Empty {}
export class Account extends Empty {}
export class Deployment extends Empty {}
export class NotebookRoom extends Empty {}

export default {
  /** Each request wakes as many new objects as its query says. */
  async fetch(request, env): Promise<Response> {
    const objects = Number(new URL(request.url).searchParams.get("objects"));
    // Bound to the class above here.
    const namespace = env.CONVERSATION as unknown as DurableObjectNamespace<Empty>;
    const all = Array.from({ length: objects }, () =>
      namespace.getByName(crypto.randomUUID()).touch(),
    );
    await Promise.all(all);
    return new Response();
  },
} satisfies ExportedHandler<Env>;
