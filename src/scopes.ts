/** What a person may allow a client, in the order in which it is asked. */
export const SCOPES = ["notebooks:read", "notebooks:write", "code:execute"] as const;

/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];

/** The scopes that a token has of those that exist. */
export function knownScopes(granted: readonly string[]): Scope[] {
  return SCOPES.filter((scope) => granted.includes(scope));
}

/** What each scope means, for the person who grants it. */
export const SCOPE_WORDS: Readonly<
  Record<Scope, { readonly title: string; readonly detail: string }>
> = {
  "notebooks:read": {
    title: "Read notebooks and files",
    detail: "List, read and search what is on the server.",
  },
  "notebooks:write": {
    title: "Change notebooks and files",
    detail: "Create, edit, move and delete them.",
  },
  "code:execute": {
    title: "Run code",
    detail:
      "Start and control kernels, and run anything in them. Running code includes reading and writing every file that Jupyter can.",
  },
};
