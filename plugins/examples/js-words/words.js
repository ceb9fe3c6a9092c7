// A gate: an added line uses no word for which the project has a better one.

import * as candidate from "lex-pr:gate/candidate@1.0.0";

export function describe() {
  return {
    description: "No added line uses a word for which there is a better one",
    capabilities: [],
    config: JSON.stringify({
      words: {
        description: "For each word the better one",
        type: "object",
        additionalProperties: { type: "string" },
        default: { utilise: "use", utilize: "use", whitelist: "allowlist" },
      },
      paths: { description: "A glob of the files to look at", type: "string", default: "**/*.md" },
    }),
    needs: [],
  };
}

// `throw` is a failure of the gate itself.
export function check() {
  const { words, paths } = JSON.parse(candidate.config());
  const annotations = [];
  for (const { path, status } of candidate.changes()) {
    if (status === "deleted" || !candidate.matches(paths, path)) continue;
    // Where there are no lines, as in a binary file, there are no words.
    for (const { number, text } of candidate.diff(path)?.added ?? []) {
      const used = Object.keys(words).filter((word) => text.split(/\W+/).includes(word));
      if (used.length === 0) continue;
      annotations.push({
        path,
        line: number,
        severity: "warning",
        message: used.map((word) => `rather ${words[word]} than ${word}`).join(", "),
        replacement: text.split(/(\W+)/).map((part) => (used.includes(part) ? words[part] : part)).join(""),
      });
    }
  }
  const lines = annotations.length;
  return {
    answer: lines === 0 ? "pass" : "warn",
    summary: lines === 0 ? "no word could be better" : `${lines} added ${lines === 1 ? "line" : "lines"} with words that could be better`,
    annotations,
    facts: JSON.stringify({ lines }),
  };
}
