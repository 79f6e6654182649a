/**
 * The assistant among the people who have JupyterLab open: the list of
 * collaborators shows it, with the notebook that it works on. Nothing depends on it.
 */

import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
} from "y-protocols/awareness";
import * as Y from "yjs";
import { RoomChannel } from "../jupyter/room-channel.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { ASSISTANT } from "./room.ts";

/** What is not about who is there. */
const nothing = () => undefined;

/** See the head of this file. */
export class Presence {
  readonly #awareness = new Awareness(new Y.Doc());
  #channel: RoomChannel | null = null;
  #isOver = false;

  private constructor(path: string) {
    const current = `notebook:${path}`;
    this.#awareness.setLocalState({
      user: ASSISTANT,
      current,
      documents: [path],
    });
    // Its clock renews what it says before others forget it.
    this.#awareness.on("update", (_change: unknown, origin: unknown) => {
      if (origin === "local") this.#send();
    });
    // Whoever comes is told by nobody else who is there.
    this.#awareness.on("change", ({ added }: { added: number[] }, origin: unknown) => {
      if (origin !== "local" && added.length > 0) this.#send();
    });
  }

  /** Shows up. Where that fails, nobody sees it. */
  static show(server: JupyterServer, path: string): Presence {
    const presence = new Presence(path);
    const listener = {
      sync: nothing,
      awareness: (update: Uint8Array) =>
        applyAwarenessUpdate(presence.#awareness, update, null),
      told: nothing,
      closed: () => presence.end(),
    };
    RoomChannel.openEverybody(server, listener).then(
      (channel) => presence.#opened(channel),
      () => presence.end(),
    );
    return presence;
  }

  /** Goes away, so that others see it at once. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#awareness.setLocalState(null);
    this.#channel?.close();
    this.#channel = null;
    this.#awareness.destroy();
    this.#awareness.doc.destroy();
  }

  #opened(channel: RoomChannel): void {
    if (this.#isOver) {
      channel.close();
      return;
    }
    this.#channel = channel;
    this.#send();
  }

  #send(): void {
    const { clientID } = this.#awareness;
    this.#channel?.sendAwareness(encodeAwarenessUpdate(this.#awareness, [clientID]));
  }
}
