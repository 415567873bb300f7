// A client of HTTP on a plain socket, and the server as a process of its own.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/tools/program.h"

namespace fu::test {

struct Reply {
  int status = 0;  // 0: the connection was cut
  std::string head, body;
};

/// A connection to 127.0.0.1.
class Connection {
 public:
  explicit Connection(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const { return open_; }
  void send(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;  // what was answered is read all the same
      done += static_cast<std::size_t>(n);
    }
  }
  /// All that comes until the server closes the connection.
  Reply receive() {
    std::string all, part(1 << 16, '\0');
    for (ssize_t n; (n = recv(socket_, part.data(), part.size(), 0)) > 0;)
      all.append(part, 0, static_cast<std::size_t>(n));
    Reply reply;
    const std::size_t end = all.find("\r\n\r\n");
    if (all.rfind("HTTP/1.1 ", 0) != 0 || end == std::string::npos) return reply;
    reply.status = std::atoi(all.c_str() + 9);
    reply.head = all.substr(0, end + 2);
    reply.body = all.substr(end + 4);
    return reply;
  }

 private:
  int socket_;
  bool open_ = false;
};

/// headers: lines that end with \r\n; Host is 127.0.0.1 where they have none.
inline std::string request_text(const std::string& method, const std::string& target, const std::string& body = "",
                                const std::string& headers = "") {
  std::string text = method + " " + target + " HTTP/1.1\r\nConnection: close\r\n" + headers;
  if (!contains(headers, "Host: ")) text += "Host: 127.0.0.1\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

/// `featup serve` on a free port.
class ServerProcess {
 public:
  ServerProcess(const TempFolder& folder, const std::string& options) : errors_(folder / ".serve") {
    int out[2];
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    const std::string line = "exec '" FU_PROGRAM "' serve --port 0 " + options + " 2>'" + errors_ + "'";
    const std::string folder_path = folder.path();
    process_ = fork();
    if (process_ == 0) {
      if (dup2(out[1], STDOUT_FILENO) < 0 || chdir(folder_path.c_str()) != 0) _exit(127);
      execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      _exit(127);
    }
    close(out[1]);
    output_ = fdopen(out[0], "r");
    const std::string address = "http://127.0.0.1:";
    for (char line[1000]; port_ == 0 && std::fgets(line, sizeof line, output_);) {
      line_ = line;
      if (contains(line_, address)) port_ = std::atoi(line_.c_str() + line_.find(address) + address.size());
    }
    CAPTURE(slurp(errors_));
    REQUIRE(port_ > 0);
  }
  ~ServerProcess() {
    if (process_ > 0) end(SIGKILL);
    std::fclose(output_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const { return port_; }
  /// The line that told the port.
  const std::string& line() const { return line_; }
  std::string errors() const { return slurp(errors_); }
  void signal(int number) const { kill(process_, number); }

  Reply ask(const std::string& method, const std::string& target, const std::string& body = "",
            const std::string& headers = "") const {
    Connection connection(port_);
    connection.send(request_text(method, target, body, headers));
    return connection.receive();
  }

  /// A value of GET /metrics, by its whole name; -1 if it is not there.
  double metric(const std::string& name) const {
    const std::string text = "\n" + ask("GET", "/metrics").body;
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 2);
  }
  bool wait_for(const std::string& name, double value) const {
    for (int i = 0; i < 3000; ++i) {
      if (metric(name) == value) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  /// Sends the signal, if it is one, and waits. Returns the exit code, or minus the signal that ended the server.
  int end(int number) {
    if (number > 0) signal(number);
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  std::string errors_, line_;
  pid_t process_ = 0;
  std::FILE* output_ = nullptr;
  int port_ = 0;
};

}  // namespace fu::test
