// Describes the variables of a Deno kernel. Runs inside it: nothing here may declare
// a name, print, or call what the user's values define (getters, proxies, inspectors),
// because nothing can end code that does not return. Put in parentheses it is an
// expression, so that its name is not declared either.
async function look(asked) {
  const MAX_VALUE_CHARS = 300;
  const MAX_TEXT_CHARS = 4_000;
  const MAX_LISTED = 200;
  const MAX_ITEMS = 20;
  const MAX_FIELDS = 100;
  // Deno's own globals end with those of its REPL.
  const LAST_OWN_GLOBAL = "clear";
  /** Stands for a value that only a getter could tell. */
  const GETTER = Symbol("getter");
  const { types } = await import("node:util");

  const globals = Object.getOwnPropertyNames(globalThis);
  const deno = new Set(globals.slice(0, globals.indexOf(LAST_OWN_GLOBAL) + 1));

  const clip = (text, limit = MAX_VALUE_CHARS) =>
    text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  const getterOf = (prototype, name) =>
    Object.getOwnPropertyDescriptor(prototype, name).get;
  const sizeOfMap = getterOf(Map.prototype, "size");
  const sizeOfSet = getterOf(Set.prototype, "size");
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
  const lengthOfTyped = getterOf(typedArray, "length");
  const bytesOfTyped = getterOf(typedArray, "byteLength");
  const bytesOfBuffer = getterOf(ArrayBuffer.prototype, "byteLength");

  /** The value of an own property; undefined for a getter. */
  const ownValue = (value, key) => Object.getOwnPropertyDescriptor(value, key)?.value;

  const classOf = (value) => {
    for (let at = value, depth = 0; at !== null && depth < 50; depth += 1) {
      if (types.isProxy(at)) return "Proxy";
      const made = ownValue(at, "constructor");
      if (typeof made === "function" && !types.isProxy(made)) {
        const name = ownValue(made, "name");
        if (typeof name === "string" && name !== "") return name;
      }
      at = Object.getPrototypeOf(at);
    }
    return "Object";
  };

  const typeOf = (value) => {
    if (value === null) return "null";
    if (typeof value !== "object" && typeof value !== "function") return typeof value;
    if (types.isProxy(value)) return "Proxy";
    if (types.isModuleNamespaceObject(value)) return "module";
    if (typeof value === "object") return classOf(value);
    return /^class\b/.test(Function.prototype.toString.call(value))
      ? "class"
      : "function";
  };

  const isObject = (value) =>
    typeof value === "object" && value !== null && !types.isProxy(value);

  const lengthOf = (value) => {
    if (typeof value === "string") return value.length;
    if (!isObject(value)) return null;
    if (Array.isArray(value)) return value.length;
    if (types.isTypedArray(value)) return lengthOfTyped.call(value);
    if (types.isMap(value)) return sizeOfMap.call(value);
    return types.isSet(value) ? sizeOfSet.call(value) : null;
  };

  const bytesOf = (value) => {
    if (!isObject(value)) return null;
    if (types.isTypedArray(value)) return bytesOfTyped.call(value);
    return types.isArrayBuffer(value) ? bytesOfBuffer.call(value) : null;
  };

  const signatureOf = (value) => {
    const text = clip(Function.prototype.toString.call(value), 2_000);
    const head = text.slice(
      0,
      /\{|=>/.exec(
        text.replace(/\{[^}]*\}(?=[^{]*\))/g, (part) => "_".repeat(part.length)),
      )?.index ?? MAX_VALUE_CHARS,
    );
    return clip(head.replaceAll(/\s+/g, " ").trim());
  };

  const short = (value, depth = 2) => {
    if (typeof value === "string") return JSON.stringify(clip(value));
    if (typeof value === "bigint")
      return value > 10n ** 100n || value < -(10n ** 100n)
        ? "a large bigint"
        : `${value}n`;
    if (value === GETTER) return "(getter)";
    if (typeof value === "symbol") return Symbol.prototype.toString.call(value);
    if (typeof value === "function")
      return types.isProxy(value) ? "Proxy" : signatureOf(value);
    if (typeof value !== "object" || value === null)
      return Object.is(value, -0) ? "-0" : String(value);
    if (types.isProxy(value)) return "Proxy";
    if (types.isDate(value)) {
      const time = Date.prototype.getTime.call(value);
      return Number.isNaN(time) ? "Invalid Date" : Date.prototype.toISOString.call(value);
    }
    if (types.isRegExp(value))
      return clip(`/${getterOf(RegExp.prototype, "source").call(value)}/`);
    if (types.isPromise(value)) return "";
    return shortContainer(value, depth);
  };

  const take = (parts, more) => clip(parts.join(", ") + (more ? ", …" : ""));

  const firstOf = (iterator, most) => {
    const found = [];
    for (
      let step = iterator.next();
      !step.done && found.length < most;
      step = iterator.next()
    )
      found.push(step.value);
    return found;
  };

  const entriesOf = (value, most) => {
    if (types.isMap(value)) return firstOf(Map.prototype.entries.call(value), most);
    if (types.isSet(value))
      return firstOf(Set.prototype.values.call(value), most).map((item) => [null, item]);
    if (types.isTypedArray(value))
      return Array.from(
        { length: Math.min(most, lengthOfTyped.call(value)) },
        (_, index) => [index, value[index]],
      );
    if (Array.isArray(value))
      return Array.from({ length: Math.min(most, value.length) }, (_, index) => [
        index,
        ownValue(value, index),
      ]);
    const fields = [];
    for (const key of Object.keys(value)) {
      if (fields.length === most) break;
      const field = Object.getOwnPropertyDescriptor(value, key);
      fields.push([key, "value" in field ? field.value : GETTER]);
    }
    return fields;
  };

  const isList = (value) =>
    Array.isArray(value) || types.isTypedArray(value) || types.isSet(value);
  const countOf = (value) => lengthOf(value) ?? Object.keys(value).length;

  const shortContainer = (value, depth) => {
    if (types.isNativeError(value)) {
      const message = ownValue(value, "message");
      return clip(`${classOf(value)}: ${typeof message === "string" ? message : ""}`);
    }
    const [open, close] = Array.isArray(value) || types.isTypedArray(value) ? "[]" : "{}";
    if (countOf(value) === 0) return open + close;
    if (depth === 0) return `${open}…${close}`;
    const parts = entriesOf(value, MAX_ITEMS).map(([key, item]) => {
      if (isList(value)) return short(item, depth - 1);
      const name = types.isMap(value) ? short(key, 0) : String(key);
      return `${name}: ${short(item, depth - 1)}`;
    });
    return `${open}${take(parts, countOf(value) > parts.length)}${close}`;
  };

  const describe = (name, value) => ({
    name,
    type: typeOf(value),
    length: lengthOf(value),
    bytes: bytesOf(value),
    value: types.isModuleNamespaceObject(value)
      ? take(
          Object.keys(value).slice(0, MAX_ITEMS),
          Object.keys(value).length > MAX_ITEMS,
        )
      : short(value),
  });

  const safely = (name, work) => {
    try {
      return work();
    } catch {
      // Such as a name that is declared and not yet initialized.
      return { name, type: "unknown", value: "(not readable)" };
    }
  };

  const sectionsOf = (value) => {
    const sections = [];
    const add = (title, text) => {
      if (text !== "") sections.push({ title, text: clip(text, MAX_TEXT_CHARS) });
    };
    if (typeof value === "string")
      add("text", value.length > MAX_VALUE_CHARS ? value : "");
    else if (typeof value === "function" && !types.isProxy(value))
      add("source", Function.prototype.toString.call(value));
    else if (isObject(value)) {
      const entries = entriesOf(
        value,
        isList(value) || types.isMap(value) ? MAX_ITEMS : MAX_FIELDS,
      );
      const lines = entries.map(([key, item], index) => {
        const label = types.isMap(value) ? short(key, 0) : String(key ?? index);
        return `${label}: ${typeOf(item)}  ${clip(short(item), 120)}`;
      });
      const more = countOf(value) - entries.length;
      add(
        isList(value) || types.isMap(value) ? "items" : "fields",
        [...lines, ...(more > 0 ? [`… ${more} more`] : [])].join("\n"),
      );
      const own = Object.getPrototypeOf(value);
      if (
        own !== null &&
        own !== Object.prototype &&
        !types.isProxy(own) &&
        !isList(value)
      ) {
        const names = Object.getOwnPropertyNames(own).filter(
          (name) => name !== "constructor" && typeof ownValue(own, name) === "function",
        );
        add("methods", names.slice(0, MAX_FIELDS).join(", "));
      }
    }
    return sections;
  };

  const isUsers = (name) =>
    !deno.has(name) && (Object.hasOwn(globalThis, name) || !(name in globalThis));
  const names = asked.names.filter(([name]) => isUsers(name));
  let found;
  if (asked.name === null) {
    const pattern = new RegExp(`^(?:${asked.pattern})$`, "su");
    const matching = names.filter(([name]) => pattern.test(name));
    const shown = matching.slice(0, MAX_LISTED);
    found = {
      variables: shown.map(([name, read]) => safely(name, () => describe(name, read()))),
      total: matching.length,
    };
  } else {
    const wanted = names.find(([name]) => name === asked.name);
    if (wanted === undefined) {
      const similar = names.filter(([name]) =>
        name.toLowerCase().includes(asked.name.toLowerCase()),
      );
      found = { similar: similar.slice(0, 3).map(([name]) => name) };
    } else {
      const [name, read] = wanted;
      const variable = safely(name, () => describe(name, read()));
      found = { variable, sections: safely(name, () => sectionsOf(read())) };
      if (!Array.isArray(found.sections)) found.sections = [];
    }
  }
  const data = { "text/plain": JSON.stringify(found) };
  await globalThis.Deno.jupyter.broadcast("display_data", {
    data,
    metadata: {},
    transient: {},
  });
}
