import CPlatform

/// Returns free heap memory to the kernel; malloc_trim(3).
package func giveBackMemory() { malloc_trim(0) }

/// Makes all threads allocate from one heap; mallopt(3). Otherwise glibc maps a second one of 64 MB for Dispatch's
/// thread, which costs four system calls and some pages.
package func useOneHeap() { mallopt(M_ARENA_MAX, 1) }
