# awk -v language=cpp|c -v least=N -v out=FILE -f examples.awk HEADER...: a program that runs every @code block in the
# comments of these headers, each as a function of its own. What the compiler says of one names its header and line.
# Fails if there are fewer than `least`, if a block does not end, or if one stands in another form of comment.
function fail(text) {
  printf "examples.awk: %s\n", text >"/dev/stderr"
  failed = 1
  exit 1
}

BEGIN {
  c = "assert math stdio stdlib string"
  cpp = "algorithm cassert cmath cstdio memory optional string vector"
  n = split(language == "c" ? c : cpp, name)
  for (i = 1; i <= n; ++i) head = head "#include <" name[i] (language == "c" ? ".h" : "") ">\n"
  if (language == "c") head = head "#include <featup/featup_c.h>\n"
  else head = head "#include <featup/core/eigen.h>\n#include <featup/featup.h>\n\nusing namespace fu;\n"
  printf "#undef NDEBUG  /* the examples assert what they show */\n%s", head >out
}

FNR == 1 && inside { fail(where[count] " does not end") }

/^ *(\/\/\/| \*) @code$/ {
  if (inside) fail(where[count] " does not end")
  inside = 1
  where[++count] = FILENAME ":" FNR
  printf "\nstatic void example_%d(void) {\n#line %d \"%s\"\n", count, FNR + 1, FILENAME >out
  next
}

/^ *(\/\/\/| \*) @endcode$/ && inside {
  inside = 0
  print "}" >out
  next
}

/@(end)?code/ { fail(FILENAME ":" FNR ": a block begins and ends with a line of its own in a comment of /// or *") }

inside {
  sub(/^ *(\/\/\/| \*) ?/, "  ")
  print >out
}

END {
  if (failed) exit 1
  if (inside) fail(where[count] " does not end")
  if (count < least) fail(count " examples; there were " least)
  print "\nint main(void) {" >out
  for (i = 1; i <= count; ++i)
    printf "  printf(\"%s\\n\");\n  fflush(stdout);\n  example_%d();\n", where[i], i >out
  printf "  printf(\"%%d examples\\n\", %d);\n  return 0;\n}\n", count >out
}
