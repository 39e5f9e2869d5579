import CPlatform

/// Gives memory of the heap that is free back to the kernel; malloc_trim(3).
package func giveBackMemory() { malloc_trim(0) }

/// All threads allocate from one heap; mallopt(3). Else glibc maps a second one of 64 MB for Dispatch's thread, at the
/// price of four system calls and some pages.
package func useOneHeap() { mallopt(M_ARENA_MAX, 1) }
