package archive_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// TestErrorAfterAThousandWarnings: a stream whose fetches all have one random_fetch_id has
// a warning for each, and what is broken after them is still told.
func TestErrorAfterAThousandWarnings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.MaxFetches = 100
		wr := w.open()
		for n := range 1100 {
			fetch := fmt.Appendf(nil, `{"FETCH_HEADER":{"random_fetch_id":"aBc123XyZ456"},"n":%d}`, n)
			if _, err := wr.Append(t.Context(), fetch); err != nil {
				t.Fatal(err)
			}
		}
		if err := wr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		wr.Close()
		w.edit(w.key(), replace(`"n":1099`, `"n":1098`))
		r := w.verify(archive.VerifyOptions{})
		if r.Worst() != archive.Error {
			t.Errorf("worst is %v, of %d findings and %d more", r.Worst(), len(r.Findings), r.More)
		}
		if p, m := w.plan(); !p.Needed() || m.Close() != nil {
			t.Error("nothing is to be restored")
		}
	})
}

// uploading is a Store that does something once after it was read from.
type uploading struct {
	rotatelog.Store
	after func()
}

// Read implements rotatelog.Store.
func (s *uploading) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	r.Close()
	if after := s.after; after != nil && err == nil {
		s.after = nil
		after()
	}
	return io.NopCloser(strings.NewReader(string(text))), err
}

// TestWriterUploadsWhileItsDayIsHeldAgainstTheSpool: what it has confirmed since the day
// was read is not missing.
func TestWriterUploadsWhileItsDayIsHeldAgainstTheSpool(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		spool := w.reader()
		a := w.archive()
		a.Store = &uploading{w.mem, func() { w.write(2) }}
		r, err := archive.VerifyDay(t.Context(), a, day, archive.VerifyOptions{Spool: spool})
		if err != nil || codes(r) != "" {
			t.Errorf("%v, %v", r.Findings, err)
		}
	})
}

// TestMirrorIsBroughtUpToDateWhileADayIsHeldAgainstIt: what the mirror has from after the
// day was read is not missing.
func TestMirrorIsBroughtUpToDateWhileADayIsHeldAgainstIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		a, mirror := w.archive(), w.archive() // a mirror at its best: as the day is
		a.Store = &uploading{w.mem, func() { w.write(2) }}
		r, err := archive.VerifyDay(t.Context(), a, day, archive.VerifyOptions{Against: &mirror})
		if err != nil || codes(r) != "" {
			t.Errorf("%v, %v", r.Findings, err)
		}
	})
}

// TestSpoolIsReadByAnotherRule: that a program which verifies does not know how the Writer
// counts is no error of the day.
func TestSpoolIsReadByAnotherRule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Count = func([]byte) (int64, error) { return 7, nil }
		w.write(4)
		w.cfg.Count = nil
		if r := w.verify(archive.VerifyOptions{Spool: w.reader()}); codes(r) != "" {
			t.Errorf("%v", r.Findings)
		}
	})
}

// TestStreamHasMoved to another place: what its spool has confirmed in the old one is not
// missing in the new one.
func TestSpoolOfAStreamThatHasMoved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Store = located{w.mem, "old"}
		w.write(4)
		for _, key := range w.mem.Keys() {
			w.mem.Delete(key)
		}
		w.cfg.Store = located{w.mem, "new"}
		w.write(4)
		if r := w.verify(archive.VerifyOptions{Spool: w.reader()}); codes(r) != "" {
			t.Errorf("%v", r.Findings)
		}
	})
}

// TestDaysThatAreNotOverMayHaveNoObject: today before its first upload, and days to come.
func TestDaysThatAreNotOverMayHaveNoObject(t *testing.T) {
	for name, now := range map[string]time.Duration{"just after midnight": 12*time.Hour + time.Minute, "the day before": time.Hour} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(4)
				time.Sleep(now)
				for r, err := range archive.Verify(t.Context(), w.archive(), day, day.Next(), archive.VerifyOptions{}) {
					if err != nil || strings.Contains(codes(r), string(archive.DayMissing)) {
						t.Errorf("%v, %v", r.Findings, err)
					}
				}
			})
		})
	}
}

// TestFindingsAreShort, whatever stands in the object.
func TestFindingsAreShort(t *testing.T) {
	const long = 1 << 20
	x := strings.Repeat("x", long)
	for name, edit := range map[string]func(string) string{
		"id":           swap(`"upload_id":"`, `"upload_id":"`+x),
		"timestamp":    swap(`"upload_timestamp":"`, `"upload_timestamp":"`+x),
		"first_upload": swap(`"first_upload":"`, `"first_upload":"`+x),
		"date":         swap(`"date":"`, `"date":"`+x),
		"fetch id":     replace(`"ID0000000002"`, `"ID0000000001`+x+`"`),
		"fetch id 2":   func(s string) string { return strings.ReplaceAll(s, `"ID000000`, `"`+x+`ID000000`) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(4)
				w.edit(w.key(), edit)
				for _, f := range w.verify(archive.VerifyOptions{}).Findings {
					if len(f.Text) > long/2 {
						t.Errorf("%s: a text of %d bytes", f.Code, len(f.Text))
					}
				}
			})
		})
	}
}
