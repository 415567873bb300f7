// What the library asks of the operating system. system.cpp answers with the calls of POSIX and Linux; no other file of
// the library makes one, so that another system needs another system.cpp and nothing else. (What the processor has is
// asked in core/kernels/targets.)
//
// A descriptor is the number of an open file, -1 for none. What fails says why in errno. Calls that a signal interrupts
// are made again, but for close_file() and rename_file(), which may have done it: the program's own handlers never
// interrupt one, but those of an application that has this library inside may (without SA_RESTART), and network file
// systems let any signal do it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace fu::os {

constexpr int kStandardInput = 0, kStandardOutput = 1, kStandardError = 2;

struct FileFacts {
  bool regular = false, folder = false, pipe = false;  // pipe: or a socket
  std::uint64_t size = 0;                              // bytes
  std::uint64_t names = 0;                             // in folders; 0: it is gone when the last process closes it
  std::pair<std::uint64_t, std::uint64_t> identity;    // device, and number there
};

/// What a path leads to; nothing where it leads nowhere.
std::optional<FileFacts> file_facts(const std::string& path);
std::optional<FileFacts> file_facts(int descriptor);

/// Opens, each without waiting: a named pipe that nobody writes to gives no data at first.
int open_to_read(const std::string& path);
/// Creates a file to write, and fails where there is one, or a link, of that name.
int create_file(const std::string& path);
/// Opens a file to read and write; creates it where there is none.
int open_or_create(const std::string& path);
/// Creates an empty file of a new name, in the folder that the system has for such, and gives its path; "" on failure.
std::string create_temporary_file();
/// A second descriptor, above those of standard input, output and error.
int duplicate(int descriptor);
/// Even if this fails, the descriptor is closed.
bool close_file(int descriptor) noexcept;

/// Bytes that were read or written, fewer than `size` at will of the system; read: 0 at the end; -1 on failure.
std::ptrdiff_t read_some(int descriptor, void* data, std::size_t size);
/// Waits until something can be written.
std::ptrdiff_t write_some(int descriptor, const void* data, std::size_t size);
/// The same from byte `at` of the file on.
std::ptrdiff_t read_some_at(int descriptor, void* data, std::size_t size, std::uint64_t at);
std::ptrdiff_t write_some_at(int descriptor, const void* data, std::size_t size, std::uint64_t at);

/// Makes read_some() wait for data; before, it fails with EAGAIN where there is none yet.
void wait_for_data(int descriptor);
/// Keeps the identity of a pipe from being given to another file while this process lives, even if it is closed.
void keep_identity(int descriptor);

/// A file's bytes in memory, read when they are looked at; null on failure.
const unsigned char* map_file(int descriptor, std::size_t size);
void unmap_file(const unsigned char* data, std::size_t size) noexcept;

/// Brings a file to the disk. Some file systems have nothing to bring, which is no failure.
bool sync_file(int descriptor);
/// Brings a folder's names ("": of the current one) to the disk, as far as the file system can.
void sync_folder(const std::string& folder) noexcept;
/// Replaces a file of the new name, in one step.
bool rename_file(const std::string& from, const std::string& to);
/// May be called in a handler of signals.
void remove_file(const char* path) noexcept;

/// Locks an open file for this process until it is closed, without waiting; EWOULDBLOCK: another process has the lock.
bool try_lock(int descriptor);
/// Removes regular files of a folder ("": the current one) whose names are chosen and whose lock can be had; no links.
void remove_unlocked_files(const std::string& folder, bool (*chosen)(const char* name)) noexcept;

/// Memory whose address is a multiple of `alignment`, a power of 2; null where there is none. With large_pages in pages
/// of some megabytes, where the system has them: a result of 77 MB takes 38 page faults, with ordinary pages 19,000.
void* take_memory(std::size_t size, std::size_t alignment, bool large_pages);
void give_memory(void* block) noexcept;

/// Cores that the scheduler may run this process on; 0: the system does not tell.
int scheduled_cores();
/// Sleeps while word == value, and may wake early; false at once where the system cannot do that.
bool sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value);
/// Wakes n of those who sleep there.
bool wake_sleepers(std::atomic<std::uint32_t>& word, int n);
/// What each later fork() of this process calls: before it, then in the parent, and in the child. Null: nothing.
void at_fork(void (*before)(), void (*parent)(), void (*child)());
/// Calls it while signals are held back from this thread, and from those that it starts, which never receive one: all
/// but those that an instruction of theirs raises, such as SIGILL and SIGSEGV.
void without_signals(const std::function<void()>& work);

int process_number();
/// Whether a process of that number is there, and one of ours.
bool process_lives(int number);
/// Bytes of the machine's memory; 0 where the system does not tell.
std::uint64_t physical_memory();
/// Bytes of this process in memory, now and at most so far; 0 where the system does not tell.
std::size_t resident_memory();
std::size_t peak_resident_memory();
bool is_terminal(int descriptor);
/// "2026-11-27" of today, by the clock of this place.
std::string today();

}  // namespace fu::os
