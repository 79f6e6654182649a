export { Conversation } from "./conversation/conversation.ts";
export { Workspace } from "./workspace/workspace.ts";

export default {
  fetch(): Response {
    return new Response("This server does not serve anything yet.\n", { status: 503 });
  },
} satisfies ExportedHandler<Env>;
