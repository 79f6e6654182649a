import { z } from "zod";
import { parse } from "./kernels.ts";
import type { JupyterServer } from "./server.ts";

const sessionSchema = z.object({
  path: z.string().catch(""),
  type: z.string().catch(""),
  kernel: z.object({ id: z.string() }).nullable().catch(null),
});

/** The Sessions API's record that ties a notebook's path to a kernel. */
export type JupyterSession = z.infer<typeof sessionSchema>;

/** All sessions of the server. */
export async function listSessions(server: JupyterServer): Promise<JupyterSession[]> {
  const response = await server.request("/api/sessions");
  return response.status === 404
    ? []
    : parse(server, z.array(sessionSchema), response.json());
}
