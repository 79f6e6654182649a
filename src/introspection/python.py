"""Describes the variables of an IPython kernel. Runs inside it, in a namespace of
its own: nothing here may assign in the user's, import what is not loaded, print,
compute on all of a large value, or call the user's code without a limit of time."""

import contextlib
import difflib
import inspect
import json
import re
import signal
import sys
import threading
import time
import types
import warnings

MAX_VALUE_CHARS = 300
MAX_TEXT_CHARS = 4_000
MAX_LISTED = 200
MAX_ITEMS = 20
MAX_COLUMNS = 100
# Of a larger one, a part of about this size is looked at.
MAX_ELEMENTS = 1_000_000
# For one value, and for all of them together.
VALUE_SECONDS = 0.25
TOTAL_SECONDS = 3.0
# After its time, code that catches everything is interrupted again and again.
RING_AGAIN_SECONDS = 0.05
PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, range)
CONTAINERS = (list, tuple, set, frozenset, dict)
# Asking one of theirs for its shape computes nothing.
ARRAY_LIBRARIES = {"numpy", "pandas", "polars", "torch", "tensorflow", "jax", "jaxlib", "scipy", "cupy", "xarray"}
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)


class Overdue(BaseException):
    pass


class Guard:
    """Runs code of others for a limited time, and not at all where time cannot be limited."""

    def __init__(self):
        self.until = time.monotonic() + TOTAL_SECONDS
        self.is_armed = False
        self.can_ring = False

    def __enter__(self):
        if not hasattr(signal, "setitimer"):
            return self
        if threading.current_thread() is not threading.main_thread():
            return self
        self.handler = signal.getsignal(signal.SIGALRM)
        # A timer or a handler of the user's own is left alone.
        if self.handler is not None and signal.getitimer(signal.ITIMER_REAL)[0] == 0:
            signal.signal(signal.SIGALRM, self.ring)
            self.can_ring = True
        return self

    def __exit__(self, *_):
        if self.can_ring:
            self.disarm()
            signal.signal(signal.SIGALRM, self.handler)

    def ring(self, *_):
        if self.is_armed:
            raise Overdue

    def disarm(self):
        while True:
            try:
                self.is_armed = False
                signal.setitimer(signal.ITIMER_REAL, 0)
                return
            except Overdue:
                continue

    def run(self, work, otherwise, seconds=VALUE_SECONDS):
        """What `work` returns; `otherwise`, given the reason, where it fails or takes too long."""
        seconds = min(seconds, self.until - time.monotonic())
        if not self.can_ring or seconds <= 0:
            return otherwise("not looked at" if self.can_ring else "not shown here")
        try:
            try:
                self.is_armed = True
                signal.setitimer(signal.ITIMER_REAL, seconds, RING_AGAIN_SECONDS)
                return work()
            finally:
                self.disarm()
        except Overdue:
            return otherwise("took too long")
        except BaseException as error:
            return otherwise("raises " + type_name(error))


class Muted:
    """A stream that drops what this thread prints, and passes on what others do."""

    def __init__(self, stream):
        self.stream = stream
        self.thread = threading.get_ident()

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        return len(text) if threading.get_ident() == self.thread else self.stream.write(text)


class Answer:
    """What a front end shows of it is its JSON."""

    def __init__(self, found):
        self.text = json.dumps(found)

    def __repr__(self):
        return self.text


def library_of(kind):
    """The package of a class. What a class says of itself is not asked."""
    module = type.__dict__["__module__"].__get__(kind)
    return module.split(".")[0] if isinstance(module, str) else ""


def plain_type_name(kind):
    name = type.__dict__["__name__"].__get__(kind)
    library = library_of(kind)
    return name if library in ("builtins", "__main__", "") else library.lstrip("_") + "." + name


def type_name(value):
    try:
        return plain_type_name(type(value))
    except Exception:
        return "object"


def clip(text, limit=MAX_VALUE_CHARS):
    return text if len(text) <= limit else text[: limit - 1] + "…"


def kinds_of(value):
    """The classes of a value. What it says of itself, as isinstance asks, is not believed."""
    return type.__dict__["__mro__"].__get__(type(value))


def is_a(value, *kinds):
    return any(kind in kinds for kind in kinds_of(value))


def is_from(value, module, *names):
    """Whether a value is of a class of this library, or of one that is derived from it."""
    return any(library_of(kind) == module and plain_type_name(kind).split(".")[-1] in names for kind in kinds_of(value))


def short(value, depth=2):
    """A short text for a value, made without code of its own where it is of a built-in type."""
    kind = type(value)
    if kind is int:
        if value.bit_length() > 1_000:
            return "an integer of %d bits" % value.bit_length()
        return repr(value)
    if kind in (str, bytes, bytearray):
        text = repr(value[:MAX_VALUE_CHARS])
        return text if len(value) <= MAX_VALUE_CHARS else text[:-1] + "…"
    if kind in PLAIN:
        return repr(value)
    if kind in CONTAINERS:
        return short_container(value, kind, depth)
    if kind in FUNCTIONS or is_a(value, type):
        return getattr(value, "__name__", "…")
    if is_from(value, "numpy", "ndarray") or is_from(value, "pandas", "DataFrame", "Series"):
        return "<%s %s>" % (type_name(value), shape_of(value) or "")
    if type(value).__repr__ is object.__repr__:
        return short_fields(value)
    return clip(repr(value))


def short_fields(value):
    fields = own_fields(value)
    shown = ["%s=%s" % (name, short(field, 0)) for name, field in list(fields.items())[:MAX_ITEMS]]
    return clip("%s(%s)" % (plain_type_name(type(value)).split(".")[-1], ", ".join(shown)))


def own_fields(value):
    """The attributes that are stored in an object, without asking it for any."""
    try:
        return object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}


def short_container(value, kind, depth):
    opening, closing = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}[kind]
    if depth == 0 and len(value) > 0:
        return opening + "…" + closing
    parts = []
    room = MAX_VALUE_CHARS
    for item in value.items() if kind is dict else value:
        if len(parts) == MAX_ITEMS or room <= 0:
            parts.append("…")
            break
        part = (
            short(item[0], depth - 1) + ": " + short(item[1], depth - 1)
            if kind is dict
            else short(item, depth - 1)
        )
        room -= len(part) + 2
        parts.append(part)
    comma = "," if kind is tuple and len(value) == 1 else ""
    return opening + ", ".join(parts) + comma + closing


def shape_of(value):
    if not any(library_of(kind) in ARRAY_LIBRARIES for kind in kinds_of(value)):
        return None
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple) or len(shape) == 0:
        return None
    return " × ".join(str(int(size)) for size in shape)


def length_of(value):
    for kind in (str, bytes, bytearray, list, tuple, dict, set, frozenset, range):
        if is_a(value, kind):
            return kind.__len__(value)
    return None


def bytes_of(value):
    if is_from(value, "pandas", "DataFrame"):
        return int(value.memory_usage(index=False).sum()) if len(value.columns) <= MAX_ELEMENTS else None
    if shape_of(value) is not None:
        size = getattr(value, "nbytes", None)
        return int(size) if isinstance(size, int) else None
    return sys.getsizeof(value) if type(value) in PLAIN + CONTAINERS else None


def value_of(value):
    if is_a(value, *FUNCTIONS):
        return clip(value.__name__ + str(inspect.signature(value)))
    if is_a(value, type):
        bases = ", ".join(plain_type_name(base) for base in value.__bases__ if base is not object)
        return "class " + value.__name__ + ("(" + bases + ")" if bases else "")
    if is_from(value, "pandas", "DataFrame") or is_from(value, "polars", "DataFrame"):
        names = [str(name) for name in value.columns[:MAX_ITEMS]]
        return clip("columns " + ", ".join(names) + (", …" if len(value.columns) > MAX_ITEMS else ""))
    if is_from(value, "pandas", "Series", "Index"):
        first = ", ".join(str(item) for item in value[:5].tolist())
        return clip("%s: %s%s" % (value.dtype, first, ", …" if len(value) > 5 else ""))
    if is_from(value, "numpy", "ndarray"):
        first = ", ".join(str(item) for item in value[(slice(0, 5),) * value.ndim].flat[:5]) if value.ndim else str(value)
        return clip("%s: %s%s" % (value.dtype, first, ", …" if value.size > 5 else ""))
    if is_from(value, "torch", "Tensor"):
        return "%s on %s" % (value.dtype, value.device)
    return short(value)


def describe(name, value, guard):
    about = {"name": name, "type": type_name(value)}
    # What is of a built-in type through and through is safe without a limit of time.
    is_plain = type(value) in PLAIN

    def look():
        return {"shape": shape_of(value), "length": length_of(value), "bytes": bytes_of(value), "value": value_of(value)}

    more = look() if is_plain else guard.run(look, lambda reason: {"value": "(%s)" % reason})
    about.update(more)
    return about


def module_line(name, module):
    real = own_fields(module).get("__name__", name)
    return name if name == real else "%s = %s" % (name, real)


def names_of(namespace, hidden):
    internal = {"In", "Out", "exit", "quit", "get_ipython", "open"}
    return [
        name
        for name in list(namespace)
        if isinstance(name, str)
        and not name.startswith("_")
        and not (name in internal and name in hidden)
        and not (name in hidden and namespace[name] is hidden[name])
    ]


def list_all(namespace, hidden, pattern, guard):
    names = [name for name in names_of(namespace, hidden) if re.fullmatch(pattern, name, re.DOTALL)]
    modules = [name for name in names if is_a(namespace[name], types.ModuleType)]
    others = [name for name in names if not is_a(namespace[name], types.ModuleType)]
    # What was made last is what is worked on.
    shown = others[::-1][:MAX_LISTED]
    return {
        "variables": [describe(name, namespace[name], guard) for name in shown],
        "modules": [module_line(name, namespace[name]) for name in modules[:MAX_LISTED]],
        "total": len(others),
    }


def section(title, guard, work):
    text = guard.run(work, lambda reason: "(%s)" % reason, seconds=2 * VALUE_SECONDS)
    return [] if text in (None, "") else [{"title": title, "text": clip(str(text), MAX_TEXT_CHARS)}]


def frame_columns(frame):
    most = max(1_000, 5 * MAX_ELEMENTS // max(5, min(len(frame.columns), MAX_COLUMNS)))
    rows = frame if len(frame) <= most else frame.iloc[:most]
    lines = []
    for position, name in enumerate(frame.columns[:MAX_COLUMNS]):
        column = rows.iloc[:, position]
        lines.append("%s  %s  %d missing" % (name, column.dtype, int(column.isna().sum())))
    if len(frame.columns) > MAX_COLUMNS:
        lines.append("… %d more columns" % (len(frame.columns) - MAX_COLUMNS))
    if rows is not frame:
        lines.append("(missing values of the first %d rows)" % most)
    return "\n".join(lines)


def frame_head(frame):
    head = frame.iloc[:5, :MAX_ITEMS]
    return head.to_string(max_colwidth=40) if hasattr(head, "to_string") else str(head)


def numbers_of(values):
    """Range, mean and missing values of an array of numbers, or of every n-th element of a large one."""
    numpy = sys.modules["numpy"]
    if values.dtype.kind not in "biuf" or values.size == 0:
        return None
    step = -(-values.size // MAX_ELEMENTS)
    if step == 1:
        part = numpy.asarray(values).ravel()
    elif values.flags.c_contiguous:
        part = numpy.asarray(values).reshape(-1)[::step]
    else:
        part = numpy.asarray(values)[tuple(slice(0, max(1, int(MAX_ELEMENTS ** (1 / values.ndim)))) for _ in range(values.ndim))].ravel()
    missing = int(numpy.isnan(part).sum()) if values.dtype.kind == "f" else 0
    known = part[~numpy.isnan(part)] if missing else part
    if known.size == 0:
        return "all NaN"
    text = "min %s  max %s  mean %.6g" % (known.min(), known.max(), known.mean(dtype=float))
    if missing:
        text += "  %d NaN" % missing
    return text + ("" if step == 1 else "  (of %d of its elements)" % part.size)


def items_of(value):
    pairs = list(zip(range(MAX_ITEMS), value.items() if is_a(value, dict) else value))
    lines = [
        "%s: %s" % (short(item[0]), short(item[1])) if is_a(value, dict) else "%d: %s" % (index, short(item))
        for index, item in pairs
    ]
    if len(value) > MAX_ITEMS:
        lines.append("… %d more" % (len(value) - MAX_ITEMS))
    return "\n".join(lines)


def fields_of(value):
    lines = []
    for name, field in list(own_fields(value).items())[:MAX_COLUMNS]:
        lines.append("%s: %s = %s" % (name, type_name(field), clip(short(field), 120)))
    return "\n".join(lines)


def methods_of(kind):
    names = [name for name, member in vars(kind).items() if not name.startswith("_") and callable(member)]
    return ", ".join(names[:MAX_COLUMNS])


def documentation_of(value, limit=MAX_TEXT_CHARS):
    return clip(inspect.cleandoc(value.__doc__ or ""), limit)


def place_of(value):
    code = getattr(inspect.unwrap(value), "__code__", None)
    return "%s:%d" % (code.co_filename, code.co_firstlineno) if code is not None else None


def sections_of(value, guard):
    add = []
    if is_a(value, types.ModuleType):
        add += section("version", guard, lambda: getattr(value, "__version__", None))
        add += section("file", guard, lambda: getattr(value, "__file__", None))
        add += section("documentation", guard, lambda: documentation_of(value, 1_000))
        return add
    if is_a(value, *FUNCTIONS):
        add += section("defined in", guard, lambda: place_of(value))
        add += section("documentation", guard, lambda: documentation_of(value))
        return add
    if is_a(value, type):
        add += section("documentation", guard, lambda: documentation_of(value))
        add += section("methods", guard, lambda: methods_of(value))
        return add
    if is_from(value, "pandas", "DataFrame"):
        add += section("columns", guard, lambda: frame_columns(value))
        add += section("head", guard, lambda: frame_head(value))
        return add
    if is_from(value, "pandas", "Series"):
        add += section("missing", guard, lambda: int(value.iloc[:MAX_ELEMENTS].isna().sum()))
        add += section("range", guard, lambda: numbers_of(value.to_numpy()))
        add += section("head", guard, lambda: value.head(10).to_string())
        return add
    if is_from(value, "numpy", "ndarray"):
        return section("range", guard, lambda: numbers_of(value))
    if is_a(value, str, bytes, bytearray):
        if length_of(value) <= MAX_VALUE_CHARS:
            return []
        return section("text", guard, lambda: value[:MAX_TEXT_CHARS] if is_a(value, str) else repr(value[:MAX_TEXT_CHARS]))
    if is_a(value, list, tuple, set, frozenset, dict):
        return section("items", guard, lambda: items_of(value))
    if type(value) in PLAIN:
        return add
    if shape_of(value) is not None:
        return section("head", guard, lambda: str(value[:5]))
    add += section("fields", guard, lambda: fields_of(value))
    add += section("methods", guard, lambda: methods_of(type(value)))
    add += section("documentation of its type", guard, lambda: documentation_of(type(value), 600))
    return add


def one(namespace, hidden, name, guard):
    if name not in namespace:
        return {"similar": difflib.get_close_matches(name, names_of(namespace, hidden))}
    value = namespace[name]
    return {"variable": describe(name, value, guard), "sections": sections_of(value, guard)}


def answer(name, pattern):
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    namespace = shell.user_ns if shell is not None else sys.modules["__main__"].__dict__
    hidden = shell.user_ns_hidden if shell is not None else {}
    with Guard() as guard, contextlib.redirect_stdout(Muted(sys.stdout)), contextlib.redirect_stderr(Muted(sys.stderr)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list_all(namespace, hidden, pattern, guard) if name is None else one(namespace, hidden, name, guard)
    return Answer(found)
