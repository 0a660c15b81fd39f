#!/usr/bin/env bash
# Puts the results pages together: each run's report, the sample, the history over all tags, and an index with links.
# RUNS holds one folder a scale (bench-small, bench-large), each with a run's files; SITE keeps those of earlier tags.
# GitHub Pages makes pages of the Markdown files.
set -euo pipefail

if [ $# -ne 3 ]; then
  echo "usage: .github/pages.sh RUNS TAG SITE" >&2
  exit 2
fi
runs=$1 tag=$2 site=$3
root=$(cd "$(dirname "$0")/.." && pwd)
# A tag may hold slashes, a folder's name may not.
name=${tag//\//-}

# The report as Markdown stays away: it is the same as the page, and GitHub would make a page of it too.
for run in "$runs"/bench-*/; do
  to="$site/runs/$name-$(basename "$run" | sed 's/^bench-//')"
  mkdir -p "$to"
  cp "$run"results.json "$run"report.html "$to/"
done
mkdir -p "$site/sample"
cp "$root"/benchmark/sample/report.html "$root"/benchmark/sample/results.json "$site/sample/"
cargo xtask history "$site/runs" --out "$site/history"

{
  echo "# DynamoDB clients for JavaScript, measured"
  echo
  echo "- [The sample](sample/report.html), which the README shows"
  echo "- [The history](history/history.html): what each library cost in every run below"
  echo
  echo "## Runs on GitHub's machines, newest first"
  echo
  for results in "$site"/runs/*/results.json; do
    node -p "JSON.parse(fs.readFileSync(process.argv[1])).run.startedAt + ' ' + process.argv[2]" \
      "$results" "$(basename "$(dirname "$results")")"
  done | sort --reverse | while read -r started folder; do
    echo "- [$folder](runs/$folder/report.html), ${started%%T*} ([results.json](runs/$folder/results.json))"
  done
} > "$site/index.md"
