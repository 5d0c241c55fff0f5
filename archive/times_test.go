package archive_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// TestLargeFetchNumbers: what is missing between them is more than an int64 holds.
func TestLargeFetchNumbers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Store = owned{w.mem}
		w.write(6)
		const most = "9223372036854775807"
		for _, n := range []string{"2", "4", "6"} {
			w.edit(w.key(), swap(fmt.Sprintf(`"fetch_number":%s,`, n), fmt.Sprintf(`"fetch_number":%s,`, most)))
		}
		want := most + " fetch numbers are missing"
		for _, f := range w.verify(archive.VerifyOptions{}).Findings {
			if f.Code == archive.NumberGap && f.Text == want {
				return
			}
		}
		t.Errorf("no finding says that %s", want)
	})
}

// TestTimesThatAreFarApart: between two is more than the longest Duration.
func TestTimesThatAreFarApart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(15)
		timeOf := func(fetch []byte) (time.Time, error) {
			n, err := rotatelog.CountMember("FETCH_HEADER", "fetch_number")(fetch)
			return time.Date(300*int(n), 1, 1, 0, 0, 0, 0, time.UTC), err
		}
		if r := w.verify(archive.VerifyOptions{TimeOf: timeOf, Gap: time.Hour}); strings.Count(codes(r), "gap") != 14 {
			t.Errorf("not all gaps: %v", r.Findings)
		}
		if r := w.verify(archive.VerifyOptions{TimeOf: timeOf}); codes(r) != "" {
			t.Errorf("usual times between fetches: %v", r.Findings)
		}
	})
}
