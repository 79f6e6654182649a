import type { Child } from "hono/jsx";
import { html } from "hono/html";
import { STYLE } from "./style.ts";

/** A whole HTML document: `lead` stands below the heading, `children` in `main`. */
export function Layout(props: {
  readonly title: string;
  readonly heading: string;
  readonly lead: Child;
  /** Where a script of ours is that the page works without. */
  readonly script?: string | undefined;
  readonly children?: Child;
}) {
  return html`<!doctype html>${(
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex" />
          <title>{props.title}</title>
          <style dangerouslySetInnerHTML={{ __html: STYLE }} />
          {props.script !== undefined && <script src={props.script} defer />}
        </head>
        <body>
          <header>
            <h1>{props.heading}</h1>
            <p class="lead">{props.lead}</p>
          </header>
          <main>{props.children}</main>
        </body>
      </html>
    )}`;
}

/** An option like `--server-url`, which a line would otherwise break at its hyphens. */
const OPTION = /^--?[a-z][a-z-]*$/;

/** Text to copy: one click selects all of it, and it wraps instead of scrolling. */
export function Copyable(props: { readonly text: string; readonly class?: string }) {
  return (
    <pre class={props.class}>
      <code>
        {props.text
          .split(/( )/)
          .map((word) => (OPTION.test(word) ? <span class="whole">{word}</span> : word))}
      </code>
    </pre>
  );
}
