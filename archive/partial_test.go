package archive_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/fakes3"
)

// TestWhatIsLeftOfAnUpload that nothing has whole is put back under a new id, once, and is
// reported.
func TestWhatIsLeftOfAnUpload(t *testing.T) {
	drills := map[string]struct {
		edit func(string) string
		gone []int // fetches
		of   int
	}{
		"a fetch is broken":         {replace(`{"n":5,"odds":[1.10`, `{"n":5,"odds":{1.10`), []int{5}, 4},
		"the last fetch is broken":  {replace(`{"n":8,"odds":[1.10`, `{"n":8,"odds":{1.10`), []int{8}, 4},
		"the head is broken":        {replace(`"upload_sequence":2`, `"uplord_sequence":2`), nil, 0},
		"the id is another":         {replace(`"fetches_in_upload":4,"upload_id":"`, `"fetches_in_upload":4,"uplaod_id":"`), nil, 0},
		"the object is cut off":     {func(s string) string { return s[:strings.Index(s, `{"n":11,`)+20] }, []int{11, 12}, 4},
		"a line is gone":            {func(s string) string { i := strings.Index(s, "\n"+line(s, 6)); return s[:i] + s[i+1+len(line(s, 6)):] }, []int{6}, 4},
		"the number is larger":      {replace(`"fetches_in_upload":4`, `"fetches_in_upload":5`), nil, 5},
		"the number is smaller":     {replace(`"fetches_in_upload":4`, `"fetches_in_upload":3`), nil, 3},
		"a line end is another":     {replace("}},\n", "}}; \n"), []int{1}, 4},
		"two uploads hold a broken": {func(s string) string { return replace(`{"n":9,`, `{"n"9,`)(replace(`{"n":5,`, `{"n"5,`)(s)) }, []int{5, 9}, 4},
	}
	for name, d := range drills {
		for _, elsewhere := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/the spool has it %v", name, elsewhere), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.cfg.MaxFetches = 4
					w.write(12)
					key := w.key()
					w.edit(key, d.edit)
					if string(w.mem.Bytes(key)) == "" {
						t.Fatal("emptied")
					}
					if !elsewhere {
						w.forget()
					}
					p, _ := w.mendWell()
					var want []int
					for n := 1; n <= 12; n++ {
						if elsewhere || !slices.Contains(d.gone, n) {
							want = append(want, n)
						}
					}
					got := fetches(t, string(w.mem.Bytes(key)))
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Errorf("fetches %v, want %v", got, want)
					}
					if (len(p.Partial) > 0) == elsewhere {
						t.Errorf("put back %+v", p.Partial)
					}
					if !elsewhere && p.Partial[0].Of != d.of {
						t.Errorf("put back %+v, want of %d", p.Partial, d.of)
					}
					again, m := w.plan()
					defer m.Close()
					if again.Needed() {
						t.Errorf("needed again: %+v", again.Report.Findings)
					}
				})
			})
		}
	}
}

// line returns the line of the n-th fetch.
func line(s string, n int) string {
	for l := range strings.Lines(s) {
		if strings.Contains(l, fmt.Sprintf(`{"n":%d,`, n)) {
			return strings.TrimSuffix(l, "\n")
		}
	}
	panic("there is no such fetch")
}

// forget removes what the spool has of days that are uploaded.
func (w *world) forget() {
	w.t.Helper()
	for _, pattern := range []string{"uploaded/*", "body*"} {
		files, err := filepath.Glob(filepath.Join(w.cfg.Dir, "all_api.spool", pattern))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// TestWrongRuleIsRefused: matches are not counted by a rule that gives others for the rest
// of the day.
func TestWrongRuleIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		w.edit(w.key(), replace(`{"n":4,"odds":[`, `{"n":4,"odds":{`))
		w.forget()
		before := string(w.mem.Bytes(w.key()))
		w.cfg.Count = func([]byte) (int64, error) { return 1, nil }
		if p, _, err := w.mend(); err == nil || !p.Uncounted || !strings.Contains(err.Error(), "rule") {
			t.Errorf("%v", err)
		}
		if string(w.mem.Bytes(w.key())) != before {
			t.Error("it was written")
		}
	})
}

// TestCompressedDrills: on a server, a compressed day is restored from the spool and itself.
func TestCompressedDrills(t *testing.T) {
	for _, pack := range compressions[1:] {
		for name, edit := range map[string]func(string) string{
			"deleted":     func(string) string { return gone },
			"a web page":  hurts["a web page"].edit,
			"truncated":   func(s string) string { return s[:len(s)/2] },
			"flipped":     func(s string) string { return s[:len(s)/2] + string(s[len(s)/2]^1) + s[len(s)/2+1:] },
			"twice":       func(s string) string { return s + s },
			"with a tail": func(s string) string { return s + "\n" },
		} {
			t.Run(pack.String()+"/"+name, func(t *testing.T) {
				inBucket(t, fakes3.RGW16(), 0, func(t *testing.T, b *bucket) {
					b.cfg.Compression = pack
					b.write(10)
					bad := b.hurt(edit)
					for n := 1; b.killedAt(n, true, func(ctx context.Context) { b.restore(ctx) }); n += 4 {
						continue
					}
					if _, err := b.restore(t.Context()); err != nil {
						t.Fatal(err)
					}
					b.write(3)
					r, err := archive.VerifyDay(t.Context(), b.archive(), day, archive.VerifyOptions{Count: footer})
					if err != nil || codes(r) != "" || r.Totals.Fetches != 13 {
						t.Errorf("%v, %+v, %v", r.Findings, r.Totals, err)
					}
					if kept := b.kept(); bad != gone && (len(kept) == 0 || kept[0] != bad) {
						t.Errorf("kept %d", len(kept))
					}
				})
			})
		}
	}
}
