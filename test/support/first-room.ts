import { z } from "zod";
import type { JupyterServer } from "../../scripts/jupyter-server.ts";

const PATH = "first-room.ipynb";
const EMPTY = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
const sessionSchema = z.object({ fileId: z.string(), sessionId: z.string() });

/**
 * Opens a room and leaves it, so that the server has the database of its rooms. It is
 * made with the first of them; where several are opened at that very moment, it is made
 * more than once, which fails, and those rooms never answer (pycrdt-store 0.1).
 */
export async function openFirstRoom({ url, token }: JupyterServer): Promise<void> {
  const headers = { authorization: `token ${token}` };
  const ask = async (path: string, method: string, body?: unknown) => {
    const answer = await fetch(`${url}/api/${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok)
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  await ask(`contents/${PATH}`, "PUT", { type: "notebook", content: EMPTY });
  const asked = { format: "json", type: "notebook" };
  const session = await ask(`collaboration/session/${PATH}`, "PUT", asked);
  const { fileId, sessionId } = sessionSchema.parse(await session.json());
  const room = new URL(`${url}/api/collaboration/room/json:notebook:${fileId}`);
  room.protocol = "ws:";
  room.searchParams.set("sessionId", sessionId);
  const socket = new WebSocket(room, { headers });
  await new Promise<void>((resolve, reject) => {
    // It says something once the room is there.
    socket.addEventListener("message", () => resolve(), { once: true });
    for (const end of ["close", "error"])
      socket.addEventListener(end, () => reject(new Error("The room did not open.")), {
        once: true,
      });
  });
  socket.close();
  await ask(`contents/${PATH}`, "DELETE");
}
