package archive_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
)

// scriptDay returns a day of the old script.
func scriptDay(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("../testdata/old_script_day.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(script), "1999-12-31", "2025-07-10")
	text = strings.ReplaceAll(text, "12/31/1999", "07/10/2025")
	return strings.ReplaceAll(text, "AM EST", "AM EDT")
}

// scriptFetches are the fetches of scriptDay as a Writer renders them.
var scriptFetches = []string{"\n" + `{"n":1.10,"team":"\u00d6sterr. Bundesliga"},` + "\n" + `{"n":2}]},`, "\n" + `{"n":3,"FETCH_FOOTER":{"total_matches":null}}]},`}

// TestDayOfTheOldScriptIsRestored: whatever is whole of it is kept, in the form of a
// Writer, and a day that is good is left alone.
func TestDayOfTheOldScriptIsRestored(t *testing.T) {
	drills := map[string]struct {
		edit func(string) string
		want []int // the uploads then
	}{
		"good":                         {func(s string) string { return s }, nil},
		"an upload of the Writer gone": {func(s string) string { return replace(",\n"+nth(s, 2), "")(s) }, []int{1, 2, 3, 4}},
		"flipped in the Writer's":      {replace(`"n":3,"odds"`, `"n":7,"odds"`), []int{1, 2, 3, 4}},
		"truncated":                    {func(s string) string { return s[:strings.Index(s, `"upload_sequence":4`)+30] }, []int{1, 2, 3, 4}},
		"indented by a tool":           {replace(`{"n":1,"odds"`, `{ "n": 1, "odds"`), []int{1, 2, 3, 4}},
	}
	for name, d := range drills {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				key := w.archive().Key(day, rotatelog.Uncompressed)
				w.mem.Put(key, []byte(scriptDay(t)), nil)
				w.write(4)
				good := string(w.mem.Bytes(key))
				w.edit(key, d.edit)
				bad := string(w.mem.Bytes(key))
				if d.want == nil {
					if p, m := w.plan(); p.Needed() || m.Close() != nil {
						t.Errorf("%+v", p)
					}
					return
				}
				p := w.restore(d.want)
				if got := string(w.mem.Bytes(p.Aside)); got != bad {
					t.Errorf("kept %s", got)
				}
				got := string(w.mem.Bytes(key))
				for _, want := range append(scriptFetches, nth(good, 1), nth(good, 2)) {
					if strings.Count(got, want) != 1 {
						t.Errorf("%q is not once in:\n%s", want, got)
					}
				}
				w.restore(d.want)
				w.write(2)
				if r := w.verify(archive.VerifyOptions{}); codes(r) != "" || r.Totals.Uploads != 5 || r.Totals.Fetches != 9 {
					t.Errorf("%v, %+v", r.Findings, r.Totals)
				}
			})
		})
	}
}

// TestForeignDayThatCannotBeRendered: nothing is changed where something would be lost.
func TestForeignDayThatCannotBeRendered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := w.archive().Key(day, rotatelog.Uncompressed)
		w.mem.Put(key, []byte(replace(`{
          "n": 2
        }`, "[]")(scriptDay(t))), nil)
		w.write(4)
		w.edit(key, func(s string) string { return replace(",\n"+nth(s, 2), "")(s) })
		before := string(w.mem.Bytes(key))
		if _, _, err := w.mend(); err == nil || errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%v", err)
		}
		if string(w.mem.Bytes(key)) != before {
			t.Error("it was written")
		}
	})
}
