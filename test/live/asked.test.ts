import { expect, inject, test } from "vitest";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { Notebooks, type RoomOffer } from "../../src/notebook/access.ts";
import { controlUrl } from "../integration/support.ts";

/** The real server, which counts how often it is asked whether it has rooms. */
class CountingServer extends JupyterServer {
  asked = 0;

  constructor() {
    const { port, token } = inject("jupyter");
    const address = `127.0.0.1:${port}`;
    super({ httpUrl: `http://${address}`, wsUrl: `ws://${address}`, token, headers: {} });
  }

  override request(...args: Parameters<JupyterServer["request"]>) {
    const [path, request] = args;
    if (path.startsWith("/api/collaboration/") && request?.method === undefined)
      this.asked += 1;
    return super.request(...args);
  }
}

/** What whoever is in a room would say. */
async function noSuchFile() {
  return { failure: { code: "file_not_found", path: "any.ipynb" } } as const;
}

test("a server is asked once whether it has rooms, and again after it was started anew", async () => {
  const server = new CountingServer();
  let kept: RoomOffer | null = null;
  const entered: string[] = [];
  const keeper = {
    exclusively: (_path: string, work: () => Promise<void>) => work(),
    roomOffer: async () => kept,
    keepRoomOffer: async (offer: RoomOffer) => {
      kept = offer;
    },
  };
  const notebooks = new Notebooks(server, keeper, async (path) => {
    entered.push(path);
    return { content: noSuchFile, edit: noSuchFile, writeOutputs: noSuchFile };
  });
  const read = () =>
    expect(notebooks.read("any.ipynb")).rejects.toThrow("file_not_found");
  await read();
  await read();
  expect(server.asked).toBe(1);
  await (await fetch(controlUrl("/restart"))).text();
  await read();
  await read();
  expect(server.asked).toBe(2);
  expect(entered).toHaveLength(4);
});
