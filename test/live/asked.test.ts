import { expect, test } from "vitest";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { ExpectedError, outcomeOf } from "../../src/errors.ts";
import { Notebooks, type RoomOffer } from "../../src/notebook/access.ts";
import { RoomNotebook } from "../../src/notebook/room-notebook.ts";
import { connect, controlUrl, jupyterAddress } from "../integration/support.ts";
import { created } from "./support.ts";

/** The real server, which counts how often it is asked whether it has rooms, when it was started, and for files. */
class CountingServer extends JupyterServer {
  asked = 0;
  askedForStart = 0;
  askedForFile = 0;
  /** Whether it fails when it is asked for its start, as it may while a kernel starts. */
  isStartUnknown = false;

  constructor() {
    super(jupyterAddress());
  }

  override request(...args: Parameters<JupyterServer["request"]>) {
    const [path, request] = args;
    if (path.startsWith("/api/collaboration/") && request?.method === undefined)
      this.asked += 1;
    if (path === "/api/status") this.askedForStart += 1;
    if (path.startsWith("/api/contents/")) this.askedForFile += 1;
    if (path === "/api/status" && this.isStartUnknown)
      return Promise.reject(
        new ExpectedError({ code: "jupyter_error", host: "", status: 500, detail: "" }),
      );
    return super.request(...args);
  }
}

/** What whoever is in a room would say. */
async function noSuchFile() {
  return { failure: { code: "file_not_found", path: "any.ipynb" } } as const;
}

test("what is read in a room of the process that was asked needs no other question", async () => {
  await using client = await connect();
  const path = "asked-process.ipynb";
  await created(client, path, ["x = 1"]);
  const server = new CountingServer();
  const keeper = {
    exclusively: (_path: string, work: () => Promise<void>) => work(),
    roomOffer: async () => null,
    keepRoomOffer: async () => undefined,
  };
  const room = new RoomNotebook(
    server,
    path,
    1_000,
    () => undefined,
    () => undefined,
  );
  const content = (withEntry: boolean) => outcomeOf(() => room.content(withEntry));
  const notebooks = new Notebooks(server, keeper, async () => {
    return { content, edit: noSuchFile, writeOutputs: noSuchFile };
  });
  const read = async () => {
    const before = server.askedForStart;
    const { notebook, isLive } = await notebooks.load(path);
    expect(isLive).toBe(true);
    expect(notebook.cells.map(({ source }) => source)).toEqual(["x = 1"]);
    return server.askedForStart - before;
  };
  // Of the first it is not known whether it is the process that was asked.
  expect([await read(), await read(), await read(), await read()]).toEqual([1, 1, 0, 0]);
  await (await fetch(controlUrl("/restart"))).text();
  expect([await read(), await read(), await read()]).toEqual([1, 1, 0]);
  // What the room has is enough for a run: of the file it was asked on entering, twice.
  expect(server.askedForFile).toBe(2);
});

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

test("a server is not asked again while a connection to it stays open", async () => {
  const server = new CountingServer();
  const keeper = {
    exclusively: (_path: string, work: () => Promise<void>) => work(),
    roomOffer: async () => null,
    keepRoomOffer: async () => undefined,
  };
  let connectedSince: number | null = null;
  const notebooks = new Notebooks(
    server,
    keeper,
    async () => ({ content: noSuchFile, edit: noSuchFile, writeOutputs: noSuchFile }),
    () => connectedSince,
  );
  /** Whether it is. A question that fails is asked several times. */
  const isAsked = async () => {
    const before = server.askedForStart;
    await expect(notebooks.read("any.ipynb")).rejects.toThrow("file_not_found");
    return server.askedForStart > before;
  };
  expect([await isAsked(), await isAsked()]).toEqual([true, true]);
  connectedSince = Date.now();
  // It was not asked over that connection yet; time passes here with each answer.
  expect([await isAsked(), await isAsked(), await isAsked()]).toEqual([
    true,
    false,
    false,
  ]);
  connectedSince = null;
  expect([await isAsked(), await isAsked()]).toEqual([true, true]);
  connectedSince = Date.now() + 60_000;
  expect([await isAsked(), await isAsked()]).toEqual([true, true]);
  // What was found while it did not say which process it is may be of an earlier one.
  connectedSince = Date.now();
  server.isStartUnknown = true;
  expect([await isAsked(), await isAsked()]).toEqual([true, true]);
  server.isStartUnknown = false;
  expect([await isAsked(), await isAsked(), await isAsked()]).toEqual([
    true,
    false,
    false,
  ]);
});
