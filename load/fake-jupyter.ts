import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { OwnedProcess } from "../scripts/child-process.ts";

const PROGRAM = path.join(import.meta.dirname, "fake-jupyter.py");

const countsSchema = z.object({
  sockets: z.number(),
  kernels: z.number(),
  sent: z.number(),
});

/** What the fake knows of itself: open sockets, running kernels, and messages sent since it began. */
export type FakeCounts = z.infer<typeof countsSchema>;

/** A running fake-jupyter.py; see its head for what it is and why. */
export interface FakeJupyter extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly pid: number;
  counts(): Promise<FakeCounts>;
}

/** Starts it on loopback, with the interpreter of an environment that has jupyter-server. */
export async function startFakeJupyter(python: string): Promise<FakeJupyter> {
  const token = randomBytes(24).toString("hex");
  const child = spawn(python, [PROGRAM], {
    env: { ...process.env, FAKE_JUPYTER_TOKEN: token },
    stdio: ["pipe", "pipe", "inherit"],
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  const owned = new OwnedProcess(child);
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) =>
      resolve(Number(line)),
    );
    void owned.ended.then((end) =>
      reject(new Error(`The fake Jupyter did not start: ${end}`)),
    );
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    token,
    pid: owned.pid,
    async counts() {
      const headers = { Authorization: `token ${token}` };
      const response = await fetch(`${url}/api/counts`, { headers });
      return countsSchema.parse(await response.json());
    },
    async [Symbol.asyncDispose]() {
      owned.killAll();
      await owned.ended;
    },
  };
}
