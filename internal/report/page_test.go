package report_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const made = "Made 07/10/2025 10:12:00 AM EDT by rotatelog report."

// pages returns a page for each kind of report.
func pages(t *testing.T) map[string]string {
	t.Helper()
	s := newStream(t, "2025-07-10", "2025-01-01")
	s.states = map[string]report.State{"2025-07-04": report.Missing, "2025-07-06": report.Unknown, "2025-07-08": report.Unread}
	merge := s.report(report.ByDay, "7d")
	merge.Stream = "merge"
	return map[string]string{
		"week":   report.Page([]*report.Report{s.report(report.ByDay, "7d"), merge}, "2025-07-03 to 2025-07-09", made),
		"month":  report.Page([]*report.Report{s.report(report.ByDay, "2025-06")}, "2025-06-01 to 2025-06-30", made),
		"year":   report.Page([]*report.Report{s.report(report.ByDay, "2024-07-10..2025-07-09")}, "2024-07-10 to 2025-07-09", made),
		"weeks":  report.Page([]*report.Report{s.report(report.ByWeek, "2025-04-01..2025-07-10")}, "2025-04-01 to 2025-07-10", made),
		"months": report.Page([]*report.Report{s.report(report.ByMonth, "2025-01-01..2025-07-10")}, "2025-01-01 to 2025-07-10", made),
		"day":    report.Page([]*report.Report{s.report(report.ByDay, "today")}, "2025-07-10", made),
		"none":   report.Page(nil, "2025-07-10", made),
	}
}

func TestPage(t *testing.T) {
	golden := filepath.Join("testdata", "week.html")
	got := pages(t)["week"]
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// elements returns the elements of a page, and its text, and fails if an element is not
// closed.
func elements(t *testing.T, page string) (all []xml.StartElement, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose = false, xml.HTMLAutoClose
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				t.Errorf("not closed: %q", open)
			}
			return all, text
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			all = append(all, token.Copy())
		case xml.EndElement:
			if open[len(open)-1] != token.Name.Local {
				t.Fatalf("%s is closed in %q", token.Name.Local, open)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			text += string(token)
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// A page can be kept, sent and printed: it has no script, and loads nothing. What names
// something by its id names what is there.
func TestPageNeedsNothingElse(t *testing.T) {
	for name, page := range pages(t) {
		all, _ := elements(t, page)
		ids := map[string]int{}
		for _, e := range all {
			if id := attr(e, "id"); id != "" {
				ids[id]++
			}
			if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "base", "form"}, e.Name.Local) {
				t.Errorf("%s: there is a %s", name, e.Name.Local)
			}
			for _, a := range e.Attr {
				if n := a.Name.Local; n == "src" || n == "href" || n == "style" || strings.HasPrefix(n, "on") {
					t.Errorf("%s: %s has %s", name, e.Name.Local, n)
				}
			}
		}
		for _, e := range all {
			for id := range strings.FieldsSeq(attr(e, "aria-labelledby")) {
				if ids[id] != 1 {
					t.Errorf("%s: %d elements are %q", name, ids[id], id)
				}
			}
		}
		if strings.Contains(page, "url(") || strings.Contains(page, "@import") || strings.Contains(page, "%!") || strings.Contains(page, "NaN") {
			t.Errorf("%s: the style loads something, or the text is wrong", name)
		}
		if len(page) > 400<<10 {
			t.Errorf("%s has %d bytes", name, len(page))
		}
	}
}

// Who does not see the charts has all of their numbers in the table.
func TestPageHasATableBesideTheCharts(t *testing.T) {
	page := pages(t)["week"]
	all, text := elements(t, page)
	count := map[string]int{}
	for _, e := range all {
		count[e.Name.Local+attr(e, "role")]++
	}
	if count["svgimg"] != 6 || count["table"] != 2 || count["caption"] != 2 || count["divregion"] != 2 || count["main"] != 1 || count["h1"] != 1 || count["h2"] != 2 {
		t.Errorf("%v", count)
	}
	for _, want := range []string{"144,000", "72,000", "1,440", "2025-07-04 Fri: no object", "2025-07-06 Sun: not known", "not known, 1.44 MB", "could not be read",
		"07/03/2025 12:09:00 AM EDT", "12:09 AM", report.MatchRecord, "The time before", "against the time before", "From 0 (2025-07-04 Fri) to 144,000 (2025-07-05 Sat)."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Numbers beside a scale have room there, of however many days they are.
func TestScaleHasRoom(t *testing.T) {
	n := 0
	for name, page := range pages(t) {
		for _, m := range regexp.MustCompile(`dominant-baseline="central">([^<]*)<`).FindAllStringSubmatch(page, -1) {
			if n++; len(m[1]) > 7 {
				t.Errorf("%s: %s", name, m[1])
			}
		}
	}
	if n < 50 {
		t.Errorf("%d numbers only", n)
	}
}

// What can be jumped to has a name of its own.
func TestPageNamesItsRegions(t *testing.T) {
	page := pages(t)["week"]
	for _, stream := range []string{"all_api", "merge"} {
		if want := ">All numbers of " + stream + ", by day</caption>"; strings.Count(page, want) != 1 {
			t.Errorf("there is not one %s", want)
		}
	}
}

// Names come from settings and keys: nothing of them becomes markup.
func TestPageShowsNamesAsTheyAre(t *testing.T) {
	const evil = `</title></style><script>alert(1)</script>`
	r := newStream(t, "2025-07-10", "2025-01-01").report(report.ByDay, "7d")
	r.Stream = evil
	r.Sum.FirstUpload, r.Rows[0].FirstUpload = evil, evil
	page := report.Page([]*report.Report{r}, evil, evil)
	all, _ := elements(t, page)
	for _, e := range all {
		if e.Name.Local == "script" {
			t.Error("a name has become a script")
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("a name has become a script")
	}
}

// A line for the time before is drawn only where its weekdays are those of the bars.
func TestLineOfTheTimeBefore(t *testing.T) {
	for name, want := range map[string]bool{"week": true, "month": false, "weeks": false, "months": false, "day": false, "year": false} {
		if got := strings.Contains(pages(t)[name], `"chart-line chart-series-1"`); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// However much there is, or an object says there is, sums do not turn negative and numbers beside
// a scale have room.
func TestPageOfHugeNumbers(t *testing.T) {
	for _, matches := range []int64{1e9, 1e12, 1e15, 1e18, math.MaxInt64 - 1, math.MaxInt64} {
		s := newStream(t, "2025-07-10", "2025-01-01")
		var known []report.Day
		for d := day(t, "2025-06-20"); d != day(t, "2025-07-10"); d = d.Next() {
			k := s.day(d)
			k.Counts = report.Counts{Fetches: int(min(matches, math.MaxInt)), Uploads: 1, Matches: matches, Bytes: matches}
			known = append(known, k)
		}
		of, err := days.Parse([]string{"7d"}, s.today)
		if err != nil {
			t.Fatal(err)
		}
		r := report.New("all_api", known, of, report.ByDay, s.today)
		if want := min(float64(math.MaxInt64), 7*float64(matches)); math.Abs(float64(r.Sum.Matches)-want) > want/1e6 || r.Sum.Bytes < matches || int64(r.Sum.Fetches) < min(matches, math.MaxInt) {
			t.Errorf("%d a day: %+v", matches, r.Sum.Counts)
		}
		page := report.Page([]*report.Report{r}, "7 days", made)
		for _, m := range regexp.MustCompile(`dominant-baseline="central">([^<]*)<`).FindAllStringSubmatch(page, -1) {
			if len(m[1]) > 7 || strings.HasPrefix(m[1], "-") {
				t.Errorf("%d a day: %s", matches, m[1])
			}
		}
	}
}
