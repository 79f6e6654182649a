import type { ConsentDescription } from "@cloudflare/workers-oauth-provider";
import type { SignIn } from "../config.ts";
import { SCOPE_WORDS, SCOPES, type Scope } from "../scopes.ts";
import { type FormProblem, ProblemAt, ServerFields } from "./consent-server.tsx";
import { Layout } from "./layout.tsx";

/** The form on which a person lets a client in. */
export interface Consent {
  readonly client: ConsentDescription;
  /** Names the authorization request; works once, in this browser. */
  readonly handle: string;
  readonly method: SignIn["method"];
  /** The host at which people sign in; null where they prove a server instead. */
  readonly upstreamHost: string | null;
  /** Whether the deployment has a server of its own, and whether people may name theirs. */
  readonly hasOwnServer: boolean;
  readonly allowsUserServers: boolean;
  readonly userServerPorts: readonly number[];
  /** What was typed before, where the form is shown again. A token never is. */
  readonly server: string;
  readonly chosen: readonly Scope[];
  readonly problem: FormProblem | null;
}

/** The page at `/authorize`. Whatever comes from a client is text, and is escaped by JSX. */
export function consentPage(consent: Consent) {
  const { client, handle, problem } = consent;
  const name = shortened(client.clientName);
  return (
    <Layout
      title={`${problem === null ? "" : "Problem: "}Connect ${name} · Jupyter Edge MCP`}
      heading={`Connect ${name}`}
      lead={
        consent.method === "jupyterhub"
          ? "It asks to work in your Jupyter. You decide what it may do there."
          : "It asks to work in your Jupyter. You decide with which server, and what it may do there."
      }
    >
      {problem !== null && (
        <div class="notice" role="alert">
          <p>
            {problem.field === null ? (
              problem.message
            ) : (
              <a href={`#${idOf(problem.field)}`}>{problem.message}</a>
            )}
          </p>
        </div>
      )}
      <section aria-labelledby="who">
        <h2 id="who">Who asks</h2>
        <dl>
          <dt>Name</dt>
          <dd>{name}</dd>
          <dt>Publisher</dt>
          <dd>
            {client.clientDomain === undefined ? (
              <strong>Not verified: this app named itself.</strong>
            ) : (
              <strong>{client.clientDomain}</strong>
            )}
          </dd>
          <dt>Access is sent to</dt>
          <dd>
            <code>{shortened(client.redirectHost)}</code>
          </dd>
        </dl>
        {client.redirectIsLoopback && (
          <p>
            <strong>This sends access to an app on your computer.</strong> Continue only
            if you have just started to sign in from it.
          </p>
        )}
      </section>
      <form method="post">
        <input type="hidden" name="handle" value={handle} />
        <ServerFields {...consent} />
        <ScopeFields {...consent} />
        <p class="buttons">
          <button type="submit" name="decision" value="approve">
            Allow
          </button>
          <button
            type="submit"
            name="decision"
            value="deny"
            class="second"
            formnovalidate
          >
            Deny
          </button>
        </p>
      </form>
      <section aria-labelledby="kept">
        <h2 id="kept">What is kept</h2>
        <ul>
          <li>{keptCredentials(consent)}</li>
          <li>
            Your conversations and their outputs, until they have not been used for a
            while. Nobody else can reach them.
          </li>
          <li>
            You see all of that at <a href="/account">your account</a>, and can stop it,
            revoke this access, and have everything forgotten.
          </li>
          <li>{sharedWith(consent)}</li>
        </ul>
      </section>
    </Layout>
  );
}

function keptCredentials({ method, allowsUserServers }: Consent): string {
  switch (method) {
    case "jupyter":
      return "Your token, encrypted. It goes to that Jupyter server and nowhere else; the client never sees it.";
    case "jupyterhub":
      return "A token of the Hub for your own server, encrypted. It reaches that server, starts it and sees how it stands, and nothing else of the Hub; the client never sees it.";
    case "oidc":
      return allowsUserServers
        ? "Your e-mail address, and a token that you enter, encrypted. The token goes to that Jupyter server and nowhere else; the client never sees it."
        : "Your e-mail address, encrypted. The client never sees it.";
  }
}

function sharedWith({ method, hasOwnServer }: Consent): string {
  switch (method) {
    case "jupyter":
      return "Whoever uses the same Jupyter server shares its files and kernels with you, as in Jupyter itself. Whoever has the same token of it is the same person here.";
    case "jupyterhub":
      return "Whoever may use your server on the Hub shares its files and kernels with you, as on the Hub itself.";
    case "oidc":
      return hasOwnServer
        ? "In the Jupyter of this service, everybody who may use it has the same account: they see and change the same files, and reach the same kernels and what is in them."
        : "Whoever uses the same Jupyter server shares its files and kernels with you, as in Jupyter itself.";
  }
}

function ScopeFields({ chosen, problem }: Consent) {
  return (
    <fieldset aria-describedby={problem?.field === "scope" ? "problem" : undefined}>
      <legend>What it may do</legend>
      <ProblemAt field="scope" problem={problem} />
      {SCOPES.map((scope) => (
        <p class="tick">
          <input
            type="checkbox"
            id={scope}
            name="scope"
            value={scope}
            checked={chosen.includes(scope)}
            aria-describedby={`${scope}-hint`}
          />
          <label for={scope}>{SCOPE_WORDS[scope].title}</label>
          <span class="hint" id={`${scope}-hint`}>
            {SCOPE_WORDS[scope].detail}
          </span>
        </p>
      ))}
    </fieldset>
  );
}

/** Where a link leads to what has to be corrected. */
function idOf(field: "server" | "token" | "scope"): string {
  return field === "scope" ? SCOPES[0] : field;
}

/** A page that sends the browser on to where people sign in. */
export function continuePage(props: { readonly host: string; readonly url: string }) {
  return (
    <Layout
      title="Sign in · Jupyter Edge MCP"
      heading="Sign in"
      lead={`You go on to ${props.host}, and come back from there.`}
    >
      <p>
        <a href={props.url}>Continue to {props.host}</a>
      </p>
    </Layout>
  );
}

/** A page for what cannot go on in this browser: an expired form, an unknown client. */
export function brokenOffPage(props: {
  readonly heading: string;
  readonly message: string;
  /** Whether the person may have been on the way to their page, and not to a client. */
  readonly mayBeToAccount: boolean;
}) {
  return (
    <Layout
      title={`${props.heading} · Jupyter Edge MCP`}
      heading={props.heading}
      lead={props.message.endsWith(".") ? props.message : `${props.message}.`}
    >
      <p>Go back to the app that sent you here, and connect again from it.</p>
      {props.mayBeToAccount && (
        <p>
          If none did, open <a href="/account">your account</a> again.
        </p>
      )}
    </Layout>
  );
}

const MAX_NAME_CHARS = 80;

/** A client's name as one short line: it may be anything. */
export function shortened(text: string): string {
  const line = text.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length > MAX_NAME_CHARS ? `${line.slice(0, MAX_NAME_CHARS)}…` : line;
}
