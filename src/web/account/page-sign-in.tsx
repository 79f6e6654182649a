import type { Child } from "hono/jsx";
import type { Config, SignIn } from "../../config.ts";
import type { Log } from "../../log.ts";
import { field } from "../authorize.tsx";
import { type FormProblem, ServerFields } from "../consent-server.tsx";
import { givenServer } from "../given-server.ts";
import type { SignedIn } from "../signing-in.tsx";

/** Who somebody turned out to be on a page, with what they reach a server, where that came along. */
export interface PagePerson extends Pick<SignedIn, "principal"> {
  readonly credentials: SignedIn["credentials"] | null;
}

/** Where the browser has to go. It comes back by itself; whoever receives it there signs the person in. */
export interface Elsewhere {
  readonly host: string;
  readonly url: string;
  /** The `Set-Cookie` by which the browser is known again. */
  readonly cookie: string;
}

/** What came of a form: who it is, what is wrong with it, or where the browser has to go first. */
export type PageProof =
  | { readonly signedIn: PagePerson }
  | { readonly problem: FormProblem }
  | { readonly elsewhere: Elsewhere };

/** What was sent before, where the form is shown again. A secret never is. */
export interface SentBefore {
  readonly server: string;
  readonly problem: FormProblem;
}

/** A way in which a person proves on a page who they are. */
export interface PageSignIn {
  /** What is asked for, in a sentence. */
  readonly lead: string;
  /** The fields of the form; none where a button alone leads elsewhere. */
  fields(sent: SentBefore | null): Child;
  /** Origins that the form may lead to, beside our own. */
  readonly formTargets: readonly string[];
  /** @param back the page that the person wanted, on this origin */
  prove(form: URLSearchParams, request: Request, back: string): Promise<PageProof>;
}

/** What the proof by a Jupyter server needs of the deployment. */
export interface JupyterPageDeps {
  readonly config: Config;
  readonly signIn: SignIn;
  readonly identitySecret: () => Promise<string>;
  /** Counts an attempt to sign in from a network address; false where there were too many. */
  readonly attempt: (address: string) => Promise<boolean>;
  readonly log: Log;
}

/** `SIGN_IN=jupyter`: whoever has a token of the server is that person. */
export function jupyterPageSignIn(deps: JupyterPageDeps): PageSignIn {
  const { signIn } = deps;
  return {
    lead: "Sign in with the token of the Jupyter server that you connected with.",
    formTargets: [],
    fields: (sent) => (
      <ServerFields
        {...signIn}
        upstreamHost={null}
        server={sent?.server ?? ""}
        problem={sent?.problem ?? null}
      />
    ),
    async prove(form, request) {
      const typed = {
        server: field(form, "server").trim(),
        token: field(form, "token").trim(),
      };
      const address = request.headers.get("cf-connecting-ip") ?? "local";
      const attempt = () => deps.attempt(address);
      const given = await givenServer(typed, { ...deps, attempt });
      if (given === null) throw new Error("a server was asked for and not given");
      return "problem" in given ? given : { signedIn: given };
    },
  };
}
