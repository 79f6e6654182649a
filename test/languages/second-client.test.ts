import { expect, inject, test } from "vitest";
import { connect, jupyterAddress } from "../integration/support.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { KernelChannels } from "../../src/jupyter/channels.ts";
import { requestMessage, type Message } from "../../src/jupyter/messages.ts";
import { installed, RECALLED } from "./table.ts";

const WAIT_SECONDS = 50;

/** An idle kernel answers at once; a connection that brings no answer by then never will. */
const ANSWER_MS = 5_000;
const ATTEMPTS = 3;

/** Another client of a kernel, as a person's notebook is one. */
class OtherClient implements AsyncDisposable {
  readonly #session = crypto.randomUUID();
  readonly #replies = new Map<string, (reply: Message) => void>();
  #channels: KernelChannels | null = null;

  /** Jupyter can fail to get through to a kernel that another client listens to: then it is tried again. */
  static async attach(kernel: string): Promise<OtherClient> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const other = new OtherClient();
      if (await other.#connect(kernel)) return other;
      other.#channels?.drop();
    }
    throw new Error("The kernel answers no other client.");
  }

  /** Runs code, and answers with the status of its reply. */
  async run(code: string): Promise<unknown> {
    const { content } = await this.#ask("execute_request", {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    });
    return content["status"];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channels?.close();
  }

  async #connect(kernel: string): Promise<boolean> {
    const server = new JupyterServer(jupyterAddress());
    this.#channels = await KernelChannels.open(server, kernel, this.#session, {
      message: (message) => {
        const isReply = message.header.msg_type.endsWith("_reply");
        if (isReply) this.#replies.get(message.parent_header?.msg_id ?? "")?.(message);
      },
      closed: () => undefined,
    });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ANSWER_MS);
    void this.#ask("kernel_info_request", {}).then(() => resolve(true));
    return promise.finally(() => clearTimeout(timer));
  }

  async #ask(msgType: string, content: Message["content"]): Promise<Message> {
    const msgId = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#replies.set(msgId, resolve);
    this.#channels?.send(
      requestMessage({
        channel: "shell",
        msg_type: msgType,
        msg_id: msgId,
        session: this.#session,
        date: new Date(),
        content,
      }),
    );
    return promise;
  }
}

const NAMED = installed(inject("languages")).map(
  (language) => [language.name, language] as const,
);

test.for(NAMED)(
  "%s: another client's runs, before, between and during ours, are not taken for a restart",
  // evcxr answers nobody any more, now and then, once a second client has come; then another kernel may do.
  { retry: 2 },
  async ([, language]) => {
    await using client = await connect();
    const begun = await client.call("run_code", {
      code: language.remember,
      kernel: language.name,
      wait_seconds: WAIT_SECONDS,
    });
    const { conversation, kernel } = begun.execution;
    const run = (code: string) =>
      client.call("run_code", { code, conversation, wait_seconds: WAIT_SECONDS });
    const expectKept = async () => {
      const kept = await run(language.recall);
      expect(kept.execution).toMatchObject({ state: "ok", generation: 1 });
      expect(kept.text).toMatch(RECALLED);
      expect(kept.text).not.toContain("variables are gone");
    };
    await using other = await OtherClient.attach(kernel ?? "");
    for (let round = 0; round < 3; round += 1) {
      expect(await other.run(language.recall)).toBe("ok");
      await expectKept();
    }
    const [counted, theirs] = await Promise.all([
      run(language.count),
      other.run(language.recall),
    ]);
    expect(theirs).toBe("ok");
    expect(counted.execution).toMatchObject({ state: "ok", generation: 1 });
    expect(counted.text.match(/line \d/g)).toHaveLength(10);
    expect(counted.text).not.toMatch(RECALLED);
    await expectKept();
  },
);
