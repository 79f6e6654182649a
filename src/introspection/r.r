# Describes the variables of an R kernel. Runs inside it, in an environment of its
# own, from which the methods in the user's are not seen: nothing here may assign
# there, draw a random number, or call what dispatches from a package, as str and
# print do. A time limit does not end a Sys.sleep, so the user's methods must not run.
base::local({
  MAX_VALUE_CHARS <- 300L
  MAX_TEXT_CHARS <- 4000L
  MAX_LISTED <- 200L
  MAX_ITEMS <- 20L
  MAX_COLUMNS <- 100L
  # Of a larger one, its beginning is looked at.
  MAX_ELEMENTS <- 1000000
  # For one value, and for all of them together.
  VALUE_SECONDS <- 0.25
  TOTAL_SECONDS <- 3

  until <- proc.time()[["elapsed"]] + TOTAL_SECONDS

  # What `work` returns; `otherwise`, given the reason, where it fails or takes too long.
  guarded <- function(work, otherwise, seconds = VALUE_SECONDS) {
    seconds <- min(seconds, until - proc.time()[["elapsed"]])
    if (seconds <= 0) return(otherwise("not looked at"))
    tryCatch({
      setTimeLimit(elapsed = seconds, transient = TRUE)
      suppressWarnings(suppressMessages(work()))
    }, error = function(condition) {
      setTimeLimit(elapsed = Inf)
      late <- grepl("time limit", conditionMessage(condition), fixed = TRUE)
      otherwise(if (late) "took too long" else "fails")
    }, finally = setTimeLimit(elapsed = Inf))
  }

  clip <- function(text, limit = MAX_VALUE_CHARS) {
    text <- paste(enc2utf8(text), collapse = "\n")
    if (nchar(text) > limit) paste0(substr(text, 1L, limit - 1L), "\u2026") else text
  }

  shape_of <- function(value) {
    shape <- dim(value)
    if (is.null(shape)) NULL else paste(shape, collapse = " \u00d7 ")
  }

  length_of <- function(value) {
    if (is.function(value) || is.null(value) || !is.null(dim(value))) NULL else length(value)
  }

  # Bytes of the vectors themselves; what their elements refer to is not counted.
  bytes_of <- function(value) {
    if (is.data.frame(value)) {
      if (length(value) > MAX_COLUMNS) return(NULL)
      return(sum(vapply(value, function(column) as.numeric(vector_bytes(column)), 0)))
    }
    if (is.atomic(value) || is.list(value)) vector_bytes(value) else NULL
  }

  vector_bytes <- function(value) {
    each <- switch(typeof(value), integer = 4, logical = 4, complex = 16, raw = 1, 8)
    each * as.numeric(length(value))
  }

  first_of <- function(value, most) if (length(value) > most) value[seq_len(most)] else value

  short_vector <- function(value, most = 5L) {
    few <- first_of(value, most)
    shown <- if (is.character(few)) encodeString(substr(few, 1L, MAX_VALUE_CHARS), quote = "\"", na.encode = FALSE)
      else format(few, trim = TRUE, digits = 7L)
    names <- names(few)
    if (!is.null(names)) shown <- paste0(names, " = ", shown)
    paste0(paste(shown, collapse = ", "), if (length(value) > most) ", \u2026")
  }

  value_of <- function(value) {
    if (is.null(value)) return("NULL")
    if (is.function(value)) return(clip(signature_of(value)))
    if (is.data.frame(value)) return(names_line("columns", names(value)))
    if (is.factor(value)) return(names_line("levels", levels(value)))
    if (is.environment(value)) return(clip(format(value)))
    if (isS4(value)) return(names_line("slots", methods::slotNames(value)))
    if (is.list(value)) {
      if (is.null(names(value))) return("")
      return(names_line("names", names(value)))
    }
    if (is.atomic(value)) return(clip(short_vector(value)))
    clip(deparse(value, nlines = 1L))
  }

  names_line <- function(what, names) {
    clip(paste0(what, " ", paste(first_of(names, MAX_ITEMS), collapse = ", "), if (length(names) > MAX_ITEMS) ", \u2026"))
  }

  signature_of <- function(value) {
    lines <- deparse(args(value), nlines = 20L)
    lines <- lines[lines != "NULL"]
    trimws(gsub("\\s+", " ", paste(lines, collapse = " ")))
  }

  describe <- function(name) {
    symbol <- as.name(name)
    if (bindingIsActive(symbol, globalenv())) {
      return(list(name = name, type = "active binding", value = "(not evaluated)"))
    }
    guarded(function() {
      value <- get(name, envir = globalenv(), inherits = FALSE)
      list(
        name = name, type = clip(paste(class(value), collapse = "/"), 100L), shape = shape_of(value),
        length = length_of(value), bytes = bytes_of(value), value = value_of(value)
      )
    }, function(reason) list(name = name, type = "object", value = paste0("(", reason, ")")))
  }

  list_all <- function(pattern) {
    names <- ls(globalenv())
    names <- names[grepl(paste0("^(?:", pattern, ")$"), names, perl = TRUE)]
    list(
      variables = lapply(first_of(names, MAX_LISTED), describe),
      modules = setdiff(sub("^package:", "", grep("^package:", search(), value = TRUE)), DEFAULT_PACKAGES),
      total = length(names)
    )
  }
  DEFAULT_PACKAGES <- c("stats", "graphics", "grDevices", "utils", "datasets", "methods", "base")

  section <- function(title, work) {
    text <- guarded(work, function(reason) paste0("(", reason, ")"), 2 * VALUE_SECONDS)
    if (is.null(text) || identical(text, "")) list() else list(list(title = title, text = clip(text, MAX_TEXT_CHARS)))
  }

  columns_of <- function(frame) {
    shown <- seq_len(min(length(frame), MAX_COLUMNS))
    rows <- min(nrow(frame), max(1000, 5 * MAX_ELEMENTS %/% max(5L, length(shown))))
    lines <- vapply(shown, function(index) {
      column <- .subset2(frame, index)
      missing <- if (is.list(column)) 0L else sum(is.na(first_of(column, rows)))
      paste0(names(frame)[[index]], "  ", paste(class(column), collapse = "/"), "  ", missing, " missing")
    }, "")
    c(
      lines,
      if (length(frame) > MAX_COLUMNS) sprintf("\u2026 %d more columns", length(frame) - MAX_COLUMNS),
      if (nrow(frame) > rows) sprintf("(missing values of the first %d rows)", as.integer(rows))
    )
  }

  table_of <- function(columns) {
    cells <- lapply(columns, function(column) {
      few <- first_of(column, 5L)
      if (is.list(few)) vapply(few, function(item) paste0("<", class(item)[[1L]], ">"), "") else format(few, trim = TRUE, digits = 7L)
    })
    lines <- lapply(seq_along(cells), function(index) {
      formatC(c(names(columns)[[index]], clip_each(cells[[index]])), width = 1L, flag = "-") |> format()
    })
    do.call(base::paste, c(lines, sep = "  "))
  }

  clip_each <- function(texts) ifelse(nchar(texts) > 40L, paste0(substr(texts, 1L, 39L), "\u2026"), texts)

  # What is in a list, an environment or an object of S4, one line each.
  parts_of <- function(value) {
    if (is.environment(value)) {
      names <- ls(value)
      get_part <- function(index) {
        if (bindingIsActive(as.name(names[[index]]), value)) quote(`(not evaluated)`) else get(names[[index]], envir = value)
      }
    } else if (isS4(value)) {
      names <- methods::slotNames(value)
      get_part <- function(index) attr(value, names[[index]], exact = TRUE)
    } else if (is.list(value)) {
      names <- attr(value, "names", exact = TRUE)
      if (is.null(names)) names <- rep("", length(value))
      get_part <- function(index) .subset2(value, index)
    } else {
      return(NULL)
    }
    lines <- vapply(seq_len(min(length(names), MAX_COLUMNS)), function(index) {
      part <- get_part(index)
      size <- shape_of(part)
      if (is.null(size)) size <- length_of(part)
      label <- if (identical(names[[index]], "")) index else names[[index]]
      paste(c(paste0(label, ":"), paste(class(part), collapse = "/"), size, clip(value_of(part), 120L)), collapse = "  ")
    }, "")
    c(lines, if (length(names) > MAX_COLUMNS) sprintf("\u2026 %d more", length(names) - MAX_COLUMNS))
  }

  range_of <- function(value) {
    part <- first_of(value, MAX_ELEMENTS)
    missing <- sum(is.na(part))
    if (missing == length(part)) return("all NA")
    paste0(
      "min ", format(min(part, na.rm = TRUE)), "  max ", format(max(part, na.rm = TRUE)),
      "  mean ", format(mean(part, na.rm = TRUE)), if (missing > 0L) paste0("  ", missing, " NA"),
      if (length(part) < length(value)) sprintf("  (of its first %d elements)", as.integer(MAX_ELEMENTS))
    )
  }

  sections_of <- function(value) {
    if (is.function(value)) {
      return(section("source", function() if (is.primitive(value)) NULL else deparse(value, nlines = 200L)))
    }
    if (is.data.frame(value)) {
      return(c(
        section("columns", function() columns_of(value)),
        section("head", function() {
          shown <- seq_len(min(MAX_ITEMS, length(value)))
          columns <- lapply(shown, function(index) .subset2(value, index))
          names(columns) <- names(value)[shown]
          table_of(columns)
        })
      ))
    }
    c(
      section("range", function() if (is.numeric(value) && length(value) > 0L && !is.object(value)) range_of(value)),
      section("values", function() if (is.atomic(value)) clip(short_vector(value, MAX_ITEMS), MAX_TEXT_CHARS)),
      section("parts", function() parts_of(value))
    )
  }

  one <- function(name) {
    if (!exists(name, envir = globalenv(), inherits = FALSE)) {
      names <- ls(globalenv())
      return(list(similar = utils::head(agrep(name, names, value = TRUE, ignore.case = TRUE), 3L)))
    }
    active <- bindingIsActive(as.name(name), globalenv())
    list(
      variable = describe(name),
      sections = if (active) list() else guarded(
        function() get(name, envir = globalenv(), inherits = FALSE), function(reason) NULL
      ) |> sections_of()
    )
  }

  found <- if (is.null(ASKED$name)) list_all(ASKED$pattern) else one(ASKED$name)
  text <- jsonlite::toJSON(found, auto_unbox = TRUE, null = "null", na = "null", digits = NA)
  getOption("jupyter.base_display_func")(list("text/plain" = as.character(text)), list())
  invisible(NULL)
}, envir = base::list2env(base::list(ASKED = __ASKED__), parent = base::baseenv()))
