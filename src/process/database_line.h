// What PostgreSQL and MySQL write behind the time of a line of their error logs.
#pragma once

#include <string_view>

#include "process/plain_line.h"

namespace clew::process {

// PostgreSQL: a prefix of the administrator's choice, `LOG:` and two blanks. MySQL and MariaDB: the number of a
// connection, `[Note]`, and since MySQL 8 `[MY-010453] [Server]`; a command of the general log.
// `rest` is what follows the time. False: it is of neither, and `line` is as it was.
bool take_database(PlainLine& line, std::string_view rest);

// The digits of `duration: 2.710 ms`, with which PostgreSQL begins the text of a statement that was timed; else empty.
std::string_view statement_duration(std::string_view message);

}  // namespace clew::process
