// SwiftPM links this C program like a Swift one, with an object file that registers Swift metadata at the start. That
// file alone would add the Swift runtime: 6 MB, and an abort if /proc is not mounted. It names two functions, which are
// defined here, so nothing of the runtime is needed.

#include <stdbool.h>

void swift_addNewDSOImage(const void *sections);
void swift_addNewDSOImage(const void *sections) { (void)sections; }

bool _swift_backtrace_isThunkFunction(const char *mangled_name);
bool _swift_backtrace_isThunkFunction(const char *mangled_name) {
  (void)mangled_name;
  return false;
}
