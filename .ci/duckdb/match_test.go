//go:build duckdb

package duckdb

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// match is a line of an exported day, as far as the queries look at it.
type match struct {
	Day         string `json:"_day"`
	Time        string `json:"_time"`
	ID          string `json:"id"`
	StatusID    int    `json:"status_id"`
	Competition struct{ Name string }
	Odds        struct{ Bet365 *struct{ EU []string } }
}

// matchesOf returns the lines of the folder july, in the order of time.
func matchesOf(t *testing.T) (all []match) {
	t.Helper()
	names, err := filepath.Glob("july/day=*/*.ndjson")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var m match
			if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// byHourAndLeague counts the matches that were being played without an SQL engine, and
// returns lines as table does.
func byHourAndLeague(t *testing.T) (lines []string) {
	t.Helper()
	type group struct{ hour, league string }
	ids := map[group]map[string]bool{}
	for _, m := range matchesOf(t) {
		if m.StatusID < 2 || m.StatusID > 4 {
			continue
		}
		g := group{strings.Replace(m.Time[:len("2025-07-10T15")], "T", " ", 1) + ":00:00", m.Competition.Name}
		if ids[g] == nil {
			ids[g] = map[string]bool{}
		}
		ids[g][m.ID] = true
	}
	var groups []group
	for g := range ids {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(len(ids[b]), len(ids[a])), cmp.Compare(a.league, b.league))
	})
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("%s|%s|%d", g.hour, g.league, len(ids[g])))
	}
	return lines
}

// changesOfOdds returns how often the odds of a match were other than before.
func changesOfOdds(t *testing.T) (n int) {
	t.Helper()
	last := map[string][]string{}
	for _, m := range matchesOf(t) {
		if m.Odds.Bet365 == nil {
			continue
		}
		if before, ok := last[m.ID]; !ok || !slices.Equal(before, m.Odds.Bet365.EU) {
			n++
		}
		last[m.ID] = m.Odds.Bet365.EU
	}
	return n
}
