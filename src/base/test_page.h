// For tests of format pages: the worked example of a page, and bytes printed the same way.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace clew::base {

// "00000010  6a 65 ..": 16 bytes a line.
inline std::string hex_dump(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 16) {
    for (int shift = 28; shift >= 0; shift -= 4) out.push_back(kDigits[(at >> shift) & 15]);
    out.push_back(' ');
    for (size_t i = at; i < at + 16 && i < bytes.size(); ++i) {
      auto byte = static_cast<unsigned char>(bytes[i]);
      out.append({' ', kDigits[byte >> 4], kDigits[byte & 15]});
    }
    out.push_back('\n');
  }
  return out;
}

// The text of the block "```hex NAME" in a page of docs/, as read from the root of the tree.
inline std::string page_example(const std::string& path, const std::string& name) {
  std::ifstream page(path);
  std::ostringstream all;
  all << page.rdbuf();
  std::string text = all.str();
  std::string fence = "```hex " + name + "\n";
  size_t begin = text.find(fence);
  if (begin == std::string::npos) return "no block " + name + " in " + path;
  begin += fence.size();
  return text.substr(begin, text.find("```", begin) - begin);
}

}  // namespace clew::base
