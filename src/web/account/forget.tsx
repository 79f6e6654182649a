import { AccountLayout } from "./parts.tsx";

/** The page that asks once more before everything is forgotten. */
export function forgetPage(props: {
  readonly formToken: string;
  readonly problem: string | null;
}) {
  const { formToken, problem } = props;
  return (
    <AccountLayout
      heading="Forget everything"
      lead="This cannot be taken back. Your files, notebooks and whatever else is in Jupyter stay as they are."
      problem={problem}
    >
      <ul>
        <li>Your clients are disconnected, at once.</li>
        <li>
          Your conversations end, and their outputs are removed. What runs in a kernel
          goes on there, unless you shut it down.
        </li>
        <li>
          The index of your notebooks, your credentials, the record of what was done, and
          this sign-in are removed.
        </li>
      </ul>
      <form method="post" action="/account/forget">
        <input type="hidden" name="form_token" value={formToken} />
        <fieldset>
          <legend>Are you sure?</legend>
          <p class="tick">
            <input type="checkbox" id="shutdown" name="shutdown_kernels" value="true" />
            <label for="shutdown">
              Also shut down the kernels that conversations started
            </label>
          </p>
          <p class="tick">
            <input
              type="checkbox"
              id="sure"
              name="sure"
              value="true"
              required
              aria-invalid={problem === null ? undefined : "true"}
            />
            <label for="sure">Yes, forget everything</label>
          </p>
        </fieldset>
        <p class="buttons">
          <button type="submit">Forget everything</button>
        </p>
      </form>
    </AccountLayout>
  );
}

/** What is left to say afterwards. */
export function forgottenPage() {
  return (
    <AccountLayout
      heading="Everything is forgotten"
      lead="Nothing of you is kept here any more. Clients that were connected have to connect again."
      isInner={false}
    >
      <p>
        <a href="/">The first page</a>
      </p>
    </AccountLayout>
  );
}
