import { ExpectedError } from "../errors.ts";

/** File systems allow 4,096 bytes; no path that a person works with comes near this. */
const MAX_PATH_CHARS = 1_000;

/**
 * A path below the server's root as the Contents API takes it, `/` between its
 * parts and none at its ends; `""` is the root. The one place where paths that
 * come from outside are checked.
 *
 * @throws {ExpectedError} for what is absolute, leads upwards, has empty parts
 *   or control characters, or is no path of a file where `isRootAllowed` is false
 */
export function checkedPath(path: string, isRootAllowed = false): string {
  const trimmed = path.endsWith("/") && path !== "/" ? path.slice(0, -1) : path;
  if (trimmed === "" || trimmed === "." || trimmed === "/") {
    if (isRootAllowed) return "";
    throw badPath(path, "it names no file");
  }
  if (trimmed.length > MAX_PATH_CHARS) throw badPath(path, "it is too long");
  if (/^\/|^~\//.test(trimmed)) throw badPath(path, "it is absolute");
  if (/^[a-z]:(?! )/i.test(trimmed)) throw badPath(path, "it begins with a drive letter");
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(trimmed)) throw badPath(path, "it is a URL");
  // A backslash separates folders where Jupyter runs on Windows.
  if (trimmed.includes("\\")) throw badPath(path, "it has a backslash");
  if (/\p{Cc}|\p{Cs}/u.test(trimmed)) throw badPath(path, "it has a control character");
  for (const part of trimmed.split("/")) {
    if (part === "") throw badPath(path, "it has an empty part");
    if (part === "." || part === "..") throw badPath(path, `it has a part "${part}"`);
  }
  return trimmed;
}

/** A checked path for a URL: every part percent-encoded. */
export function urlPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Whether a name in a path begins with a dot: Jupyter shows and writes such files only where it is set to. */
export function isHiddenPath(path: string): boolean {
  return path.split("/").some((part) => part.startsWith("."));
}

/** Whether Jupyter takes a file for a notebook, as it does by this very ending. */
export function isNotebookPath(path: string): boolean {
  return path.endsWith(".ipynb");
}

/** The folder of a checked path; `""` for the root. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end === -1 ? "" : path.slice(0, end);
}

/** The last part of a checked path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function badPath(path: string, detail: string): ExpectedError {
  return new ExpectedError({ code: "bad_path", path: path.slice(0, 200), detail });
}
