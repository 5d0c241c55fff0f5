//go:build duckdb

package duckdb

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// snippet is a block of code of docs/READING.md.
type snippet struct{ language, code string }

// snippets returns the blocks of code below the heading "SQL engines".
func snippets(t *testing.T) (all []snippet) {
	t.Helper()
	text, err := os.ReadFile("../../docs/READING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## SQL engines\n")
	if !ok {
		t.Fatal("docs/READING.md has no section about SQL engines")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		all = append(all, snippet{m[1], m[2]})
	}
	return all
}

// one returns the snippet that begins so.
func one(t *testing.T, all []snippet, begin string) string {
	t.Helper()
	for _, s := range all {
		if strings.HasPrefix(s.code, begin) {
			return s.code
		}
	}
	t.Fatalf("docs/READING.md has no code that begins with %s", begin)
	return ""
}

// TestSQLOfReading runs the SQL of docs/READING.md on three days of July.
func TestSQLOfReading(t *testing.T) {
	all := snippets(t)
	matches := exported(t)
	db := open(t)

	typed := one(t, all, "duckdb -c ")
	query := strings.TrimSuffix(strings.TrimPrefix(typed, `duckdb -c "`), "\"\n")
	if _, copied := table(t, db, query); len(copied) != 1 || copied[0] != fmt.Sprint(matches) {
		t.Errorf("the Parquet file has %q rows, want %d", copied, matches)
	}
	ndjson, parquet := sizeOf(t, "july/day=*/*.ndjson"), sizeOf(t, "july.parquet")
	t.Logf("%d bytes became %d of Parquet", ndjson, parquet)
	if parquet > ndjson/10 {
		t.Error("that is more than a tenth")
	}

	if _, lines := table(t, db, "SELECT count(*) FROM read_ndjson('packed/**/*.ndjson.zst')"); lines[0] != fmt.Sprint(matches) {
		t.Errorf("of compressed files it reads %q lines, want %d", lines, matches)
	}

	checks := map[string]func(columns []string, lines []string){
		"SELECT date_trunc": func(columns, lines []string) {
			for i, line := range lines {
				hour, rest, _ := strings.Cut(line, "|")
				lines[i] = hour[:min(len(hour), len("2025-07-10 00:00:00"))] + "|" + rest
			}
			if want := byHourAndLeague(t); strings.Join(columns, " ") != "hour league matches" || len(want) < 50 || !slices.Equal(lines, want) {
				t.Errorf("by hour and league: %q, %q\nwant %q", columns, lines, want)
			}
		},
		"SELECT id, home_team": func(columns, lines []string) {
			if want := changesOfOdds(t); len(columns) != 8 || len(lines) < 50 || int64(len(lines)) >= matches || len(lines) != want || !regexp.MustCompile(`^[a-z0-9]{15}\|.*\|[0-9.]+\|[0-9.]+\|[0-9.]+$`).MatchString(lines[0]) {
				t.Errorf("the odds: %q, %d lines, want %d, %q", columns, len(lines), want, lines[0])
			}
			for i := 1; i < len(lines); i++ {
				before, now := strings.Split(lines[i-1], "|"), strings.Split(lines[i], "|")
				if before[0] == now[0] && strings.Join(before[5:], "|") == strings.Join(now[5:], "|") {
					t.Errorf("these are no changes:\n%s\n%s", lines[i-1], lines[i])
				}
			}
		},
		"SELECT id, count(*)": func(columns, lines []string) {
			seen, want := 0, 0
			for _, m := range matchesOf(t) {
				if m.Day == "2025-07-10" || m.Day == "2025-07-11" {
					want++
				}
			}
			for _, line := range lines {
				n, err := strconv.Atoi(strings.Split(line, "|")[1])
				if err != nil {
					t.Error(err)
				}
				seen += n
			}
			if len(columns) != 6 || len(lines) < 10 || seen != want {
				t.Errorf("of each match: %q, seen %d times, want %d: %q", columns, seen, want, lines)
			}
		},
	}
	for _, s := range all {
		if s.language != "sql" || strings.HasPrefix(s.code, "CREATE EXTERNAL TABLE") || strings.Contains(s.code, "\nFROM matches\n") {
			continue // the rest is for Athena
		}
		columns, lines := table(t, db, s.code)
		checked := false
		for begin, check := range checks {
			if strings.HasPrefix(s.code, begin) {
				check(columns, lines)
				checked = true
				delete(checks, begin)
			}
		}
		if !checked {
			t.Errorf("nothing checks what this returns:\n%s", s.code)
		}
	}
	if len(checks) > 0 {
		t.Errorf("docs/READING.md lacks %d queries", len(checks))
	}
}

// TestQueryForAthena runs Athena's query on DuckDB, with what its table has: the members are
// there, and so is the column of the partition.
func TestQueryForAthena(t *testing.T) {
	all := snippets(t)
	exported(t)
	db := open(t)
	_, columns, _ := strings.Cut(one(t, all, "CREATE EXTERNAL TABLE"), "(\n")
	columns, partition, _ := strings.Cut(columns, "\n)\nPARTITIONED BY (")
	var names []string
	for _, m := range regexp.MustCompile("(?m)^  `?(\\w+)`? ").FindAllStringSubmatch(columns, -1) {
		names = append(names, `"`+m[1]+`"`)
	}
	name, _, _ := strings.Cut(partition, " ")
	names = append(names, name)
	if len(names) != 13 {
		t.Errorf("the table has the columns %q", names)
	}
	_, err := db.ExecContext(t.Context(), "CREATE TABLE matches AS SELECT "+strings.Join(names, ", ")+
		" FROM read_ndjson('july/**/*.ndjson', hive_partitioning = true, hive_types_autocast = false, columns = {_time: 'VARCHAR', _fetch: 'BIGINT', _upload: 'BIGINT', id: 'VARCHAR', "+
		"status_id: 'INT', minute: 'INT', competition: 'STRUCT(id VARCHAR, name VARCHAR, country VARCHAR)', home_team: 'STRUCT(id VARCHAR, name VARCHAR)', "+
		"away_team: 'STRUCT(id VARCHAR, name VARCHAR)', home_scores: 'INT[]', away_scores: 'INT[]', odds: 'STRUCT(bet365 STRUCT(eu VARCHAR[]))'})")
	if err != nil {
		t.Fatal(err)
	}
	if _, lines := table(t, db, one(t, all, `SELECT substr("_time"`)); len(lines) < 50 || !strings.HasPrefix(lines[0], "2025-07-10T00|") {
		t.Errorf("it returns %q", lines)
	}
}

// TestDayAsItStands: what the document says of a day that is not exported.
func TestDayAsItStands(t *testing.T) {
	t.Chdir(t.TempDir())
	match := `{"text":"` + strings.Repeat("x", 1<<20) + `"}`
	text := `{"uploads":[{"fetch_data":[` + strings.Repeat(match+",\n", 40) + match + "]}]}\n"
	if err := os.WriteFile("day.json", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t)
	for limit, fits := range map[string]bool{"": false, ", maximum_object_size = 67108864": true} {
		rows, err := db.QueryContext(t.Context(), "FROM read_json('day.json'"+limit+")")
		if err == nil {
			rows.Close()
		}
		if (err == nil) != fits {
			t.Errorf("with %q: %v", limit, err)
		}
	}
}

// sizeOf returns how many bytes files have.
func sizeOf(t *testing.T, pattern string) (n int64) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal(pattern, err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}
