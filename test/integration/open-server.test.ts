import { expect, inject, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { KernelChannels } from "../../src/jupyter/channels.ts";
import {
  copyContents,
  deleteContents,
  listDirectory,
  makeFolders,
  readBytes,
  saveContents,
  streamBytes,
} from "../../src/jupyter/contents.ts";
import { getVersion, shutdownKernel, startKernel } from "../../src/jupyter/kernels.ts";
import { requestMessage, type Message } from "../../src/jupyter/messages.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";

test("a server without a token and below a base path is worked in through the _xsrf cookie", async () => {
  const { port, basePath } = inject("openJupyter");
  const { jupyter } = parseConfig({
    JUPYTER_HOST: "127.0.0.1",
    JUPYTER_PORT: String(port),
    JUPYTER_BASE_PATH: basePath,
  });
  const server = new JupyterServer(jupyter);
  expect(await getVersion(server)).toMatch(/^2\./);
  const kernel = await startKernel(server, null);
  const { promise, resolve } = Promise.withResolvers<Message>();
  const session = crypto.randomUUID();
  const channels = await KernelChannels.open(server, kernel.id, session, {
    message: (message) => {
      if (message.header.msg_type === "stream") resolve(message);
    },
    closed: () => undefined,
  });
  channels.send(
    requestMessage({
      channel: "shell",
      msg_type: "execute_request",
      msg_id: crypto.randomUUID(),
      session,
      date: new Date(),
      content: {
        code: "print('open')",
        silent: false,
        store_history: true,
        allow_stdin: false,
      },
    }),
  );
  expect((await promise).content["text"]).toBe("open\n");
  await channels.close();
  expect(await shutdownKernel(server, kernel.id)).toBe(true);
});

test("files of a server without a token and below a base path are listed, read and changed", async () => {
  const { port, basePath } = inject("openJupyter");
  const { jupyter } = parseConfig({
    JUPYTER_HOST: "127.0.0.1",
    JUPYTER_PORT: String(port),
    JUPYTER_BASE_PATH: basePath,
  });
  const path = "data/ä #1.txt";
  const writer = new JupyterServer(jupyter);
  await makeFolders(writer, "data");
  await saveContents(writer, path, { type: "file", format: "text", content: "hello" });
  expect(await listDirectory(new JupyterServer(jupyter), "data")).toMatchObject([
    { path, type: "file", size: 5 },
  ]);
  // Each with a server of its own, which has to ask for the cookie first.
  const bytes = await readBytes(new JupyterServer(jupyter), path, 100);
  expect(new TextDecoder().decode(bytes ?? new Uint8Array())).toBe("hello");
  const stream = await streamBytes(new JupyterServer(jupyter), path);
  expect(stream?.length).toBe(5);
  expect(await new Response(stream?.body).text()).toBe("hello");
  await copyContents(new JupyterServer(jupyter), path, "data/b.txt");
  expect(await deleteContents(new JupyterServer(jupyter), path)).toBe(true);
  expect(await readBytes(new JupyterServer(jupyter), path, 100)).toBeNull();
});
