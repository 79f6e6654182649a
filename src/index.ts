import { DurableObject } from "cloudflare:workers";

/** Will hold a conversation's kernels and journal. */
export class Conversation extends DurableObject<Env> {}

/** Will hold what a user's conversations share. */
export class Workspace extends DurableObject<Env> {}

export default {
  fetch(): Response {
    return new Response("This server does not serve anything yet.\n", { status: 503 });
  },
} satisfies ExportedHandler<Env>;
