/** What Linux tells of processes under `/proc`. */
import { readdir, readFile, readlink } from "node:fs/promises";

/** All processes below one of ours. */
export async function descendantsOf(root: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The name, in parentheses, may hold anything; behind it come the state and the parent.
    const parent = Number(
      stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .at(1),
    );
    const pid = Number(name);
    if (pid > 0 && parent > 0)
      children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [...(children.get(root) ?? [])];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** The file name of the program that a process runs. */
export async function programOf(pid: number): Promise<string> {
  const program = await readlink(`/proc/${pid}/exe`).catch(() => "");
  return program.slice(program.lastIndexOf("/") + 1);
}

/** The TCP ports on which a process listens at 127.0.0.1. */
export async function listeningPorts(pid: number): Promise<number[]> {
  const listening = new Map<string, number>();
  const table = await readFile("/proc/net/tcp", "utf8");
  for (const line of table.split("\n").slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const isListening = state === "0A";
    const port = /^0100007F:([0-9A-F]{4})$/.exec(local ?? "")?.[1];
    if (isListening && port !== undefined && inode !== undefined) {
      listening.set(`socket:[${inode}]`, Number.parseInt(port, 16));
    }
  }
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(
    names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")),
  );
  return targets.flatMap((target) => listening.get(target) ?? []);
}

/** The memory of a process that is in RAM now, and the most that ever was. In bytes. */
export async function residentMemory(
  pid: number,
): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
}

/** Linux counts in hundredths of a second, wherever Node runs. */
const TICK_MS = 10;

/** The CPU time that a process has taken, all threads together. */
export async function cpuTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[11], fields[12]].map(Number);
  return ((user ?? 0) + (system ?? 0)) * TICK_MS;
}
