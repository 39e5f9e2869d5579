#include "test_app.h"

#include <string.h>
#include <unistd.h>

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} modes[] = {
  {"launch", mode_launch},   {"parent", mode_parent},   {"exit", mode_exit},   {"kill-self", mode_kill_self},
  {"stay", mode_stay},       {"signals", mode_signals}, {"report", mode_report}, {"leave", mode_leave},
  {"orphans", mode_orphans}, {"storm", mode_storm},     {"burst", mode_burst}, {"serve", mode_serve},
  {"tally", mode_tally},     {"connect", mode_connect}, {"scrape", mode_scrape},
  {"hold", mode_hold},       {"crowd", mode_crowd},     {"forge", mode_forge},
};

int main(int argc, char **argv) {
  if (argc < 2) die("no mode given");
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(argv[1], modes[i].name) == 0) return modes[i].run(argc - 1, argv + 1);
  }
  die("no such mode: %s", argv[1]);
}
