import type { ConsentDescription } from "@cloudflare/workers-oauth-provider";
import { SCOPE_WORDS, SCOPES, type Scope } from "../scopes.ts";
import { Layout } from "./layout.tsx";

/** What is wrong with what a person sent, and where on the form. */
export interface FormProblem {
  readonly field: "server" | "token" | "scope" | null;
  readonly message: string;
}

/** The form on which a person lets a client in. */
export interface Consent {
  readonly client: ConsentDescription;
  /** Names the authorization request; works once, in this browser. */
  readonly handle: string;
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
      lead="It asks to work in your Jupyter. You decide with which server, and what it may do there."
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
          <li>
            Your token, encrypted. It goes to that Jupyter server and nowhere else; the
            client never sees it.
          </li>
          <li>
            Your conversations and their outputs, until they have not been used for a
            while. Nobody else can reach them.
          </li>
          <li>
            Whoever uses the same Jupyter server shares its files and kernels with you, as
            in Jupyter itself. Whoever has the same token of it is the same person here.
          </li>
        </ul>
      </section>
    </Layout>
  );
}

function ServerFields(props: Consent) {
  const { hasOwnServer, allowsUserServers, userServerPorts, server, problem } = props;
  const ports = userServerPorts.filter((port) => port !== 443);
  return (
    <fieldset>
      <legend>Your Jupyter</legend>
      {allowsUserServers && (
        <p>
          <label for="server">URL of the server</label>
          <input
            id="server"
            name="server"
            type="text"
            inputmode="url"
            autocomplete="url"
            autocapitalize="none"
            spellcheck={false}
            value={server}
            required={!hasOwnServer}
            maxlength={1_000}
            aria-describedby={described("server-hint", problem, "server")}
            aria-invalid={problem?.field === "server" ? "true" : undefined}
          />
          <ProblemAt field="server" problem={problem} />
          <span class="hint" id="server-hint">
            {hasOwnServer && "Leave it empty for the server of this service. "}
            {hasOwnServer ? "Your own looks like " : "It looks like "}
            <code>https://jupyter.example.com/path</code>
            {ports.length > 0 &&
              `, ${userServerPorts.includes(443) ? "and may have" : "with"} port ${PORTS.format(ports.map(String))}`}
            .
          </span>
        </p>
      )}
      <p>
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          required
          maxlength={MAX_TOKEN_CHARS}
          aria-describedby={described("token-hint", problem, "token")}
          aria-invalid={problem?.field === "token" ? "true" : undefined}
        />
        <ProblemAt field="token" problem={problem} />
        <span class="hint" id="token-hint">
          {allowsUserServers
            ? "Of that server: "
            : "Of the Jupyter server of this service: "}
          what stands behind <code class="whole">?token=</code> in the URL that{" "}
          <code>jupyter server list</code> prints.
        </span>
      </p>
    </fieldset>
  );
}

function ScopeFields({ chosen, problem }: Consent) {
  return (
    <fieldset
      aria-describedby={problem?.field === "scope" ? "problem" : undefined}
      class="scopes"
    >
      <legend>What it may do</legend>
      <ProblemAt field="scope" problem={problem} />
      {SCOPES.map((scope) => (
        <p>
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

/** What is wrong with a field, beside it: the notice at the top is far away on a phone. */
function ProblemAt(props: {
  readonly field: FormProblem["field"];
  readonly problem: FormProblem | null;
}) {
  const { field, problem } = props;
  if (problem === null || problem.field !== field) return null;
  return (
    <span class="problem" id="problem">
      {problem.message}
    </span>
  );
}

/** Where a link leads to what has to be corrected. */
function idOf(field: "server" | "token" | "scope"): string {
  return field === "scope" ? SCOPES[0] : field;
}

/** A page for what cannot go on in this browser: an expired form, an unknown client. */
export function brokenOffPage(props: {
  readonly heading: string;
  readonly message: string;
}) {
  return (
    <Layout
      title={`${props.heading} · Jupyter Edge MCP`}
      heading={props.heading}
      lead={props.message.endsWith(".") ? props.message : `${props.message}.`}
    >
      <p>Go back to the app that sent you here, and connect again from it.</p>
    </Layout>
  );
}

/** No token of Jupyter or JupyterHub comes near this. */
export const MAX_TOKEN_CHARS = 4_000;
const MAX_NAME_CHARS = 80;
const PORTS = new Intl.ListFormat("en", { type: "disjunction" });

function described(
  hint: string,
  problem: FormProblem | null,
  field: FormProblem["field"],
): string {
  return problem?.field === field ? `problem ${hint}` : hint;
}

/** A client's name as one short line: it may be anything. */
function shortened(text: string): string {
  const line = text.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length > MAX_NAME_CHARS ? `${line.slice(0, MAX_NAME_CHARS)}…` : line;
}
