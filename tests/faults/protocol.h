/* What the shim and the tester tell each other about copies of a process: see shim.c. */
#ifndef FU_FAULTS_PROTOCOL_H
#define FU_FAULTS_PROTOCOL_H

enum { REPORT_BEFORE, REPORT_TRIED, REPORT_HELD, REPORT_END };

struct report {
  long call;    /* its number; at the end how many there were */
  int status;   /* of the copy, as waitpid() gives it */
  int kind;     /* REPORT_ */
  int persists; /* whether the calls after it failed as well */
};

struct order {
  long next; /* the call to try; the same again is allowed */
  int persists;
};

#endif
