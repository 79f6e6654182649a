import { expect, test } from "vitest";
import { roomSession } from "../../src/jupyter/collaboration.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { Room } from "../../src/notebook/room.ts";
import { connect, jupyterAddress } from "../integration/support.ts";
import { created } from "./support.ts";

/** By its first numbers: whose state it tells, or the document that was asked for. */
function kindOf(message: Uint8Array): string {
  if (message[0] === 1) return "awareness";
  return message[0] === 0 && message[1] === 1 ? "document" : "other";
}

/** The real server, which notes what goes in and out of WebSockets. */
class WatchedServer extends JupyterServer {
  readonly passed: string[] = [];

  constructor() {
    super(jupyterAddress());
  }

  override async openWebSocket(...args: Parameters<JupyterServer["openWebSocket"]>) {
    const socket = await super.openWebSocket(...args);
    if (socket === null) return null;
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) this.passed.push(kindOf(new Uint8Array(data)));
    });
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      this.passed.push("sent");
      send(data);
    };
    return socket;
  }
}

test("whatever a room says before its document is answered, so that nothing holds the document back", async () => {
  await using client = await connect();
  const path = "acknowledged.ipynb";
  await created(client, path, ["x = 1"]);
  const server = new WatchedServer();
  const session = await roomSession(server, path);
  if (session === null) throw new Error("There are no rooms here.");
  const room = await Room.enter(server, path, session, (error) => {
    throw error;
  });
  room.leave();
  const before = server.passed.slice(0, server.passed.indexOf("document"));
  // The server tells us of ourselves in between.
  expect(before).toContain("awareness");
  const unanswered = before.filter(
    (each, index) => each !== "sent" && before[index + 1] !== "sent",
  );
  expect(unanswered).toEqual([]);
});
