# awk -f filter.awk HEADER: a public header as Doxygen reads it, which has marks where our headers have plain comments.
#
#   the comment at its head               the page of the file
#   `int x;  // text`, and `/* text */`   the documentation of x
#   `// text` above a field               the same
#   declarations below a comment          share it down to the next blank line: in a namespace all functions, in a class
#                                         those of one name, in C those that end in _memory and _into
{ line[NR] = $0 }

END {
  if (FILENAME ~ /_c\.h$/) c_marks()
  else cpp_marks()
  groups()
}

# The line without comments and the contents of texts.
function code_of(s) {
  gsub(/"([^"\\]|\\.)*"/, "\"\"", s)
  gsub(/'([^'\\]|\\.)'/, "0", s)
  gsub(/\/\*[^*]*\*\//, "", s)
  sub(/\/\/.*/, "", s)
  return s
}

# What a brace opens behind this text: n(amespace), t(ype), or b(ody) of a function or a value.
function opened(text) {
  gsub(/template *<[^{}]*> *(class|struct|enum|union)/, "struct", text)
  if (text ~ /(^|[^A-Za-z_0-9])(namespace|extern)[^A-Za-z_0-9]/) return "n"
  if (text !~ /\(/ && text ~ /(^|[^A-Za-z_0-9])(class|struct|enum|union)[^A-Za-z_0-9]/) return "t"
  return "b"
}

# Where line i stands: depth[i] and kind[i] at its beginning, and whether a statement begins there.
function follow(i,   code, j, ch) {
  code = code_of(line[i])
  depth[i] = level; kind[i] = level ? open[level] : "n"
  begins[i] = text ~ /^ *$/ && code ~ /[^ ;}]/
  for (j = 1; j <= length(code); ++j) {
    ch = substr(code, j, 1)
    if (ch == "{") {
      open[level + 1] = level && open[level] == "b" ? "b" : opened(text " ")
      ++level; text = ""
    } else if (ch == "}") {
      --level; text = ""
    } else if (ch == ";" || ch == ":" && text ~ /^ *(public|private|protected)$/) {
      text = ""
    } else {
      text = text ch
    }
  }
  text = text " "
}

function is_comment(i) { return line[i] ~ /^ *\/\// }

function cpp_marks(   i, j, at, last) {
  for (i = 1; i <= NR && line[i] !~ /^#pragma once/; ++i) {
    gsub(/`/, "", line[i]); gsub(/</, "\\&lt;", line[i])
    sub(/^\/\//, "///", line[i])
    plain[i] = 1
  }
  line[1] = "/// @file\n" line[1]
  last = 0  # the column of the comment that the line before ends with
  for (; i <= NR; ++i) {
    if (line[i] ~ /^#/ || line[i] ~ /^ *$/) { depth[i] = level; kind[i] = level ? open[level] : "n"; last = 0; continue }
    if (is_comment(i)) {
      depth[i] = level; kind[i] = level ? open[level] : "n"
      at = index(line[i], "//")
      if (last && at == last) { sub(/\/\//, "///<", line[i]); continue }
      last = 0
      if (kind[i] != "b" && line[i] ~ /^ *\/\/ / && line[i] !~ /\/\/ ----/ && !is_comment(i - 1)) {
        for (j = i; is_comment(j); ++j) continue
        if (line[j] !~ /^ *$/ && line[j] !~ /^[ }#]*$/)
          for (j = i; is_comment(j); ++j) sub(/\/\//, "///", line[j])
      }
      continue
    }
    follow(i)
    at = match(line[i], /  \/\/ /)
    last = 0
    if (kind[i] != "b" && at && code_of(line[i]) !~ /^ *}/ && code_of(line[i]) !~ /{ *$/) {
      last = at + 2
      line[i] = substr(line[i], 1, at + 1) "///<" substr(line[i], at + 4)
    }
  }
}

function c_marks(   i, inside) {
  sub(/^\/\* /, "/** @file\n * ", line[1])
  for (i = 1; i <= NR; ++i) {
    if (i > 1 && line[i] ~ /^\/\* / && line[i] !~ /\/\* ----/) sub(/^\/\*/, "/**", line[i])
    if (line[i] ~ /^\/\*/) inside = 1
    if (inside) {
      comment[i] = 1; depth[i] = level; kind[i] = "n"
      if (line[i] ~ /\*\/$/) inside = 0
      continue
    }
    if (line[i] ~ /^#/ || line[i] ~ /^ *$/) { depth[i] = level; kind[i] = "n"; continue }
    follow(i)
    if (line[i] ~ /[;,{A-Z0-9] +\/\* .*\*\/$/) sub(/ \/\* /, " /**< ", line[i])
  }
}

# The name of the function that begins in line i; "" for anything else.
function function_at(i,   j, code, before) {
  for (j = i; j <= i + 2 && j <= NR; ++j) {
    code = code_of(line[j])
    if (match(code, /operator(\(\)|[^ (]+)\(/)) return substr(code, RSTART, RLENGTH - 1)
    if (match(code, /[A-Za-z_~][A-Za-z_0-9]*(<[A-Za-z]*>)?\(/)) {
      before = substr(code, 1, RSTART - 1)
      return before ~ /=/ || before ~ /typedef/ ? "" : substr(code, RSTART, RLENGTH - 1)
    }
    if (code ~ /[;{}]/ || code !~ /template/ && j > i) return ""
  }
  return ""
}

function documents(i) { return i in comment ? line[i] ~ /^\/\*\*|^ \*/ : line[i] ~ /^ *\/\/\/($|[^<])/ && !(i in plain) }

# Prints all lines, and marks around the declarations that share a comment.
function groups(   i, j, k, first, name, count, begin, end, c) {
  c = FILENAME ~ /_c\.h$/
  for (i = 1; i <= NR; ++i) {
    if (!documents(i) || i > 1 && documents(i - 1) && !(c && line[i] ~ /^\/\*\*/)) continue
    for (j = i; j <= NR && documents(j) && !(c && j > i && line[j] ~ /^\/\*\*/); ++j) continue
    if (!begins[j] || (first = function_at(j)) == "") continue
    count = 1
    for (k = j + 1; k <= NR && line[k] !~ /^ *$/ && !documents(k) && !is_comment(k) && depth[k] >= depth[j]; ++k) {
      if (depth[k] == depth[j] && line[k] ~ /^ *}/) break  # the end of the class
      if (!begins[k] || depth[k] != depth[j]) continue
      name = function_at(k)
      if (name == "" || line[k] ~ /\/\/\/<|\/\*\*</) break
      if (c ? name !~ /_(memory|into)$/ : kind[j] == "t" && name != first) break
      ++count
    }
    if (count > 1) { begin[i] = 1; end[k] = 1 }
  }
  for (i = 1; i <= NR; ++i) {
    if (end[i]) print c ? "/**@}*/" : "///@}"
    if (begin[i]) print c ? "/**@{*/" : "///@{"
    print line[i]
  }
}
