/** How a person adds a kernel to their Jupyter, in a line; docs/languages.md says more. */
interface Recipe {
  readonly language: string;
  /** What somebody writes who wants it. */
  readonly asked: RegExp;
  readonly recipe: string;
}

const RECIPES: readonly Recipe[] = [
  {
    language: "Python",
    asked: /^(i?py|i?python)[\d.]*$/,
    recipe: "`pip install ipykernel && python -m ipykernel install --user`",
  },
  {
    language: "R",
    asked: /^(r|ir|irkernel)$/,
    recipe: '`install.packages("IRkernel"); IRkernel::installspec()` in R',
  },
  {
    language: "Julia",
    asked: /^(jl|i?julia)\b/,
    recipe: '`using Pkg; Pkg.add("IJulia")` in Julia',
  },
  {
    language: "Go",
    asked: /^(go|golang|gonb|gophernotes)$/,
    recipe: "`go install github.com/janpfeifer/gonb@latest && gonb --install`",
  },
  {
    language: "Rust",
    asked: /^(rs|rust|evcxr)$/,
    recipe: "`cargo install --locked evcxr_jupyter && evcxr_jupyter --install`",
  },
  {
    language: "TypeScript and JavaScript",
    asked: /^(ts|typescript|js|javascript|deno|node|nodejs)$/,
    recipe: "`deno jupyter --install`, once Deno is there",
  },
  {
    language: "Bash",
    asked: /^(bash|sh|shell)$/,
    recipe: "`pip install bash_kernel && python -m bash_kernel.install`",
  },
];

/** How the kernel is added that `kernel`, a name or a language, asks for; null for those that are not known here. */
export function recipeFor(
  kernel: string,
): { readonly language: string; readonly recipe: string } | null {
  const asked = kernel.trim().toLowerCase();
  return RECIPES.find((recipe) => recipe.asked.test(asked)) ?? null;
}
