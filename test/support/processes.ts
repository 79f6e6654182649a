import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine that has not ended. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** Its command line, with blanks between the arguments. */
  readonly command: string;
}

/** All processes that run now. One that ended and was not collected yet does not count. */
export function listProcesses(): RunningProcess[] {
  // Small Linux systems come without ps.
  return process.platform === "linux" ? listFromProc() : listFromPs();
}

/** The processes below `root`, in whatever groups they are. Not `root` itself. */
export function descendantsOf(root: number): RunningProcess[] {
  const all = listProcesses();
  const parents = new Set([root]);
  const found: RunningProcess[] = [];
  for (const parent of parents) {
    for (const candidate of all) {
      if (candidate.parent !== parent || parents.has(candidate.pid)) continue;
      parents.add(candidate.pid);
      found.push(candidate);
    }
  }
  return found;
}

function listFromProc(): RunningProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The name of the program stands in parentheses and may hold anything.
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z" || state === "X") return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8")
          .replaceAll("\0", " ")
          .trim();
        return [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

function listFromPs(): RunningProcess[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,state=,args="], {
    encoding: "utf8",
  });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state, command] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || state?.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), command: command ?? "" }];
  });
}
