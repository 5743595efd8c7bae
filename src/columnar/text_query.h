// TextQuery: a phrase, a substring or a set of equal texts, asked of encoded texts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/directory.h"
#include "columnar/template_block.h"
#include "columnar/words_block.h"
#include "contract/event_source.h"
#include "text/words.h"

namespace clew::columnar {

// What is known of all texts of a dictionary entry or template.
enum class Verdict : uint8_t { kNone, kAll, kPerhaps };
using Verdicts = std::shared_ptr<const std::vector<Verdict>>;

// Threads: all functions on any thread.
class TextQuery {
 public:
  // Requires: op kPhrase, kContains, kEquals or kIn, with strings as values.
  explicit TextQuery(const contract::Predicate& leaf);

  // Names the question: equal keys have equal answers.
  const std::string& key() const { return key_; }
  bool matches(std::string_view text) const;
  // Any value as a bare term sees it: elements of arrays one by one, numbers and times by their text.
  bool matches(const model::Value& value) const;

  std::vector<Verdict> of_entries(const Dictionary& dictionary) const;
  // By template code.
  std::vector<Verdict> of_templates(const Templates& templates) const;
  // False: no value of the chunk can match, judged by its kinds, form and statistics alone.
  bool possible_in(const Chunk& chunk) const;

  // Adds the matching texts (by position) of a block of templates.
  Status matching(const TemplateBlock& block, const Templates& templates, const std::vector<Verdict>& verdicts,
                  std::vector<uint8_t>& matched) const;

  // Sets matched[i] to whether text i of the block matches.
  void matching(const WordsBlock& block, std::vector<uint8_t>& matched) const;

 private:
  std::string_view needed_in(std::string_view entries) const;
  bool mark_possible(const WordsBlock& block, std::vector<uint8_t>& matched) const;
  Verdict of_template(const Template& shape) const;
  Verdict phrase_in_template(const Template& shape) const;
  bool possible_text(TextForm form, const ChunkStats& stats) const;
  bool possible_number(const Chunk& chunk) const;
  Result<bool> may_have_number(const TemplateBlock& block, const Template& shape, uint32_t code) const;

  contract::Predicate::Op op_;
  std::vector<std::string> texts_;
  text::Phrase phrase_;
  std::string key_;
};

}  // namespace clew::columnar
