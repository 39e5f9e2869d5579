// SwiftPM links this C program as it links a Swift one, with an object file that registers Swift metadata at start.
// That alone would pull in the whole Swift runtime: six megabytes, and an abort where no /proc is mounted. With the two
// functions that the object file names defined here, nothing of the runtime is needed.

#include <stdbool.h>

void swift_addNewDSOImage(const void *sections);
void swift_addNewDSOImage(const void *sections) { (void)sections; }

bool _swift_backtrace_isThunkFunction(const char *mangled_name);
bool _swift_backtrace_isThunkFunction(const char *mangled_name) {
  (void)mangled_name;
  return false;
}
