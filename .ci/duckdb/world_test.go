//go:build duckdb

package duckdb

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/storetest"
)

// july returns three days of football, a fetch every ten minutes.
func july(t *testing.T) (rotatelog.Archive, []rotatelog.Day) {
	t.Helper()
	mem := storetest.NewMem()
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: filepath.Join(t.TempDir(), "local"), Store: mem,
		Sync: rotatelog.SyncSeal, TimeOf: rotatelog.HeaderTime, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	feed := football.New(7, 20_000)
	for minute := range 3*24*60 - 1 {
		fetch := feed.Next()
		if minute%10 > 0 {
			continue
		}
		if _, err := w.Append(t.Context(), fetch); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := rotatelog.Day{Year: 2025, Month: time.July, Date: 10}
	return rotatelog.Archive{Store: mem}, []rotatelog.Day{first, first.Next(), first.Next().Next()}
}

// exported exports the days to the folder july of a directory, in which the test continues,
// and compressed to the folder packed.
func exported(t *testing.T) (rows int64) {
	t.Helper()
	a, days := july(t)
	t.Chdir(t.TempDir())
	for folder, packed := range map[string]bool{"july": false, "packed": true} {
		opts := archive.ExportOptions{Each: []string{"RAW_API_DATA", "results"}, Zstd: packed}
		for day, err := range archive.ExportFolder(t.Context(), a, folder, days, opts) {
			if err != nil {
				t.Fatal(err)
			}
			rows += day.Rows
		}
	}
	return rows / 2
}

// table returns what a query returns, as lines.
func table(t *testing.T, db *sql.DB, query string) (columns []string, lines []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer rows.Close()
	if columns, err = rows.Columns(); err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, c := range cells {
			line = append(line, fmt.Sprint(c))
		}
		lines = append(lines, strings.Join(line, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return columns, lines
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
