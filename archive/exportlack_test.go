package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"example.com/rotatelog/archive"
)

// What no row has of what is asked for is told of each day, also of one that was exported
// before. Rows that are not exported are looked at as well.
func TestExportOfLacks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.store(`{"list":[{"a":1,"b":{"c":2}},7]}`, `{"list":[{"d":null,"b":3}]}`, `{"list":[]}`, `{}`)
		opts := archive.ExportOptions{
			Each:    []string{"list"},
			Columns: [][]string{{"_day"}, {"a"}, {"b", "x"}, {"d"}, {"value"}, {"b", "c", "y"}},
			Where:   []archive.Condition{{Path: []string{"a"}, Value: "1"}, {Path: []string{"n"}, Value: "null"}, {Path: []string{"b", "x"}, Value: "null"}},
		}
		want := []archive.Lack{{Path: []string{"b", "x"}, Depth: 1, Names: []string{"c"}}, {Path: []string{"b", "c", "y"}, Depth: 2}, {Path: []string{"n"}, Names: []string{"a", "b"}}}
		folder := t.TempDir()
		for _, unchanged := range []bool{false, true} {
			e := w.toFolder(w.archive(), folder, opts, day)
			if e.worst() != nil || len(e.days) != 1 || e.days[0].Unchanged != unchanged || e.days[0].Rows != 1 || e.days[0].Looked != 3 || !reflect.DeepEqual(e.days[0].Lacks, want) {
				t.Errorf("%+v, %v", e.days, e.worst())
			}
		}
		mark := filepath.Join(folder, "day=2025-07-10/.all_api.csv.mark")
		if err := errors.Join(os.Remove(mark), syscall.Mkfifo(mark, 0o600)); err != nil {
			t.Fatal(err)
		}
		if e := w.toFolder(w.archive(), folder, opts, day); e.worst() != nil || e.days[0].Unchanged { // nobody waits for a pipe
			t.Errorf("%+v, %v", e.days, e.worst())
		}
		if _, r := w.export(archive.ExportOptions{}); r.Lacks != nil {
			t.Errorf("whole fetches lack %v", r.Lacks)
		}
		opts.To = 1 // no fetch was made then
		if _, r := w.export(opts); r.Looked != 0 || r.Lacks != nil {
			t.Errorf("%+v", r)
		}
	})
}
