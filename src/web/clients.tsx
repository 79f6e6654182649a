import type { Child } from "hono/jsx";
import { Copyable } from "./layout.tsx";

/** How one client is connected to `mcpUrl`. */
interface Client {
  readonly name: string;
  readonly steps: Child;
}

/**
 * How each common client is connected to the server at `mcpUrl`. Clients that
 * connect from their makers' machines cannot reach a `local` one.
 */
export function ClientList(props: { readonly mcpUrl: string; readonly local: boolean }) {
  const { mcpUrl, local } = props;
  const clients = [
    claudeCode(mcpUrl),
    ...(local ? [claudeDesktop(mcpUrl)] : [hostedClaude(mcpUrl), chatGpt(mcpUrl)]),
    cursor(mcpUrl),
    vsCode(mcpUrl),
    inspector(mcpUrl),
    anyOther(mcpUrl),
    ...(local ? [hostedClients()] : []),
  ];
  return (
    <ul class="clients">
      {clients.map((client) => (
        <li>
          <h3>{client.name}</h3>
          <div>{client.steps}</div>
        </li>
      ))}
    </ul>
  );
}

function claudeCode(mcpUrl: string): Client {
  return {
    name: "Claude Code",
    steps: <Copyable text={`claude mcp add --transport http jupyter ${mcpUrl}`} />,
  };
}

function hostedClaude(mcpUrl: string): Client {
  return {
    name: "Claude on the web, desktop and phone",
    steps: (
      <>
        <p>Settings → Connectors → Add custom connector, with this URL:</p>
        <Copyable text={mcpUrl} />
        <p class="soft">In a team, an owner adds it once for everybody.</p>
      </>
    ),
  };
}

function claudeDesktop(mcpUrl: string): Client {
  return {
    name: "Claude Desktop",
    steps: (
      <>
        <p>
          Settings → Developer → Edit Config, with Node.js installed, in{" "}
          <code>claude_desktop_config.json</code>:
        </p>
        <Copyable
          text={settings("mcpServers", {
            command: "npx",
            args: ["-y", "mcp-remote", mcpUrl],
          })}
        />
      </>
    ),
  };
}

function chatGpt(mcpUrl: string): Client {
  return {
    name: "ChatGPT",
    steps: (
      <>
        <p>
          Settings → Apps &amp; Connectors → Advanced settings → Developer mode; then
          Create, with this URL and OAuth:
        </p>
        <Copyable text={mcpUrl} />
      </>
    ),
  };
}

function hostedClients(): Client {
  return {
    name: "claude.ai and ChatGPT",
    steps: (
      <p>
        Hosted clients connect from their makers’ servers and cannot reach localhost. They
        need a deployed Jupyter Edge MCP.
      </p>
    ),
  };
}

function cursor(mcpUrl: string): Client {
  return {
    name: "Cursor",
    steps: (
      <>
        <p>
          In <code>~/.cursor/mcp.json</code>, or <code>.cursor/mcp.json</code> of a
          project:
        </p>
        <Copyable text={settings("mcpServers", { url: mcpUrl })} />
      </>
    ),
  };
}

function vsCode(mcpUrl: string): Client {
  const server = { type: "http", url: mcpUrl };
  return {
    name: "VS Code",
    steps: (
      <>
        <p>For all workspaces:</p>
        <Copyable text={`code --add-mcp '${spaced({ name: "jupyter", ...server })}'`} />
        <p>
          Or for one, in <code>.vscode/mcp.json</code>:
        </p>
        <Copyable text={settings("servers", server)} />
      </>
    ),
  };
}

function inspector(mcpUrl: string): Client {
  return {
    name: "MCP Inspector",
    steps: (
      <Copyable
        text={`npx @modelcontextprotocol/inspector --transport http --server-url ${mcpUrl}`}
      />
    ),
  };
}

function anyOther(mcpUrl: string): Client {
  return {
    name: "Any other client",
    steps: (
      <>
        <p>The transport is Streamable HTTP. Most clients read:</p>
        <Copyable text={settings("mcpServers", { type: "http", url: mcpUrl })} />
      </>
    ),
  };
}

/** A settings file that holds one server, the server's own object indented once. */
function settings(key: string, server: object): string {
  const lines = Object.entries(server).map(
    ([name, value]) => `      ${JSON.stringify(name)}: ${spaced(value)}`,
  );
  return `{\n  "${key}": {\n    "jupyter": {\n${lines.join(",\n")}\n    }\n  }\n}`;
}

/** JSON in one line with a space wherever it may wrap. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`,
  );
  return `{${members.join(", ")}}`;
}
