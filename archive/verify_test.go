package archive_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
	"github.com/klauspost/compress/zstd"
)

var footer = rotatelog.CountMember("FETCH_FOOTER", "total_matches")

var compressions = []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip}

// TestGoodDayHasNoErrors: small, in each compression, open and closed.
func TestGoodDayHasNoErrors(t *testing.T) {
	for _, pack := range compressions {
		t.Run(pack.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.Compression = pack
				w.write(25)
				for _, when := range []string{"open", "over"} {
					r := w.verify(archive.VerifyOptions{Count: footer, Gap: 20 * time.Hour})
					if codes(r) != "" || r.Totals.Uploads != 13 || r.Totals.Fetches != 25 || r.Totals.Matches != 325 {
						t.Errorf("%s: %v, %+v", when, r.Findings, r.Totals)
					}
					time.Sleep(24 * time.Hour)
				}
			})
		})
	}
}

// A rule that can count no fetch is told once, and as soon as it counts one it is the day
// that is wrong.
func TestVerifyByAWrongRule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(25)
		counting := func(which int64) rotatelog.CountFunc {
			return func(fetch []byte) (int64, error) {
				if n, err := footer(fetch); err != nil || n == which {
					return n, err
				}
				return 0, errors.New("it has nothing to count")
			}
		}
		for which, want := range map[int64]int{1: 13, 25: 12} { // the first upload has two fetches, the last has one
			if r := w.verify(archive.VerifyOptions{Count: counting(which)}); codes(r) != strings.TrimSpace(strings.Repeat("count ", want)) {
				t.Errorf("when fetch %d is counted: %v", which, r.Findings)
			}
		}
		r := w.verify(archive.VerifyOptions{Count: counting(-1)})
		if codes(r) != "no_count" || !strings.HasSuffix(r.Findings[0].Text, ": it has nothing to count") || strings.HasPrefix(r.Findings[0].Next, "rotatelog restore") {
			t.Errorf("%+v", r.Findings)
		}
	})
}

// replace returns an edit that replaces the first old by new.
func replace(old, new string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			panic("there is no " + old)
		}
		return strings.Replace(s, old, new, 1)
	}
}

// swap returns an edit that replaces the first match of a pattern.
func swap(pattern, new string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(s string) string {
		at := re.FindStringIndex(s)
		if at == nil {
			panic("nothing matches " + pattern)
		}
		return s[:at[0]] + re.ReplaceAllString(s[at[0]:at[1]], new) + s[at[1]:]
	}
}

// nth returns the n-th upload of a day's text, from 1.
func nth(s string, n int) string {
	all := regexp.MustCompile(`(?s)\{"upload_sequence".*?\}\]\}`).FindAllString(s, -1)
	return all[n-1]
}

// damages are edits of a good day of five uploads, two fetches each, and the codes that
// Verify gives.
var damages = map[string]struct {
	edit func(string) string
	want string
}{
	"emptied":                        {func(string) string { return "" }, "empty"},
	"a web page":                     {func(string) string { return "<html>\n<body>404</body>\n</html>\n" }, "not_a_day"},
	"another program's":              {func(string) string { return `{"hello":"world"}` }, "not_a_day"},
	"two documents":                  {func(s string) string { return "{}" + s }, "not_a_day"},
	"cut off in a fetch":             {func(s string) string { return s[:len(s)/2] }, "truncated"},
	"cut off at a line":              {func(s string) string { return s[:strings.LastIndex(s[:len(s)/2], "\n")+1] }, "truncated"},
	"the last byte is gone":          {func(s string) string { return s[:len(s)-1] }, "truncated"},
	"twice":                          {func(s string) string { return s + s }, "more"},
	"a byte more":                    {func(s string) string { return s + " " }, "more"},
	"begins with white space":        {func(s string) string { return " " + s }, "frame"},
	"a byte order mark":              {func(s string) string { return "\uFEFF" + s }, "not_a_day"},
	"another day":                    {replace(`"date":"2025-07-10"`, `"date":"2025-07-11"`), "date"},
	"total_uploads":                  {replace(`"total_uploads":5`, `"total_uploads":6`), "total_uploads"},
	"total_matches_today":            {replace(`"total_matches_today":55`, `"total_matches_today":45`), "total_matches"},
	"total_fetches_today":            {replace(`"total_fetches_today":10`, `"total_fetches_today":11`), "total_fetches"},
	"first_upload":                   {swap(`"first_upload":"07/10/2025 12:01`, `"first_upload":"07/10/2025 12:02`), "first_upload"},
	"last_upload":                    {swap(`"last_upload":"07/10/2025 12:..`, `"last_upload":"07/10/2025 12:59`), "last_upload"},
	"a number with a leading zero":   {replace(`"total_uploads":5`, `"total_uploads":05`), "frame"},
	"members in another order":       {swap(`("date":"[^"]*"),("total_uploads":5)`, `$2,$1`), "frame"},
	"a digit of a fetch":             {replace(`"n":4`, `"n":7`), "checksum"},
	"a digit of a fetch number":      {replace(`"odds":[1.10`, `"odds":[1.70`), "checksum"},
	"a space in a fetch":             {replace(`"n":4,`, `"n":4 ,`), "checksum"},
	"a fetch that is no JSON":        {replace(`"n":4,`, `"n":4;`), "fetch"},
	"a fetch that is not UTF-8":      {replace("caf\u00e9", "caf\xe9"), "fetch"},
	"a fetch with an early end":      {replace(`{"n":4,`, `{"n":4},`), "fetch"},
	"a line break in a fetch":        {replace(`{"n":4,`, "{\"n\":4,\n"), "fetch"},
	"a fetch is gone":                {swap(`(?m)^\{"FETCH_HEADER":\{"fetch_number":3,.*\n`, ``), "fetch fetch_count"},
	"the last fetch is gone":         {swap(`,\n\{"FETCH_HEADER":\{"fetch_number":4,.*\]\},`, `]},`), "fetch fetch_count"},
	"a fetch more":                   {swap(`(?m)^(\{"FETCH_HEADER":\{"fetch_number":3,.*\n)`, `$1$1`), "fetch"},
	"the comma between fetches":      {swap(`(?m)^(\{"FETCH_HEADER":\{"fetch_number":3,.*),\n`, "$1\n"), "fetch"},
	"fetches_in_upload":              {replace(`"fetches_in_upload":2`, `"fetches_in_upload":3`), "fetch fetch_count"},
	"matches_in_upload":              {replace(`"matches_in_upload":7`, `"matches_in_upload":8`), "checksum count total_matches object_metadata"},
	"upload_timestamp":               {swap(`"upload_timestamp":"07/10/2025 12:03`, `"upload_timestamp":"07/10/2025 12:04`), "checksum"},
	"upload_timestamp of a day gone": {swap(`"upload_timestamp":"07/10/2025 12:03`, `"upload_timestamp":"07/09/2025 12:03`), "timestamp checksum"},
	"no timestamp":                   {swap(`"upload_timestamp":"07/10/2025 12:03[^"]*`, `"upload_timestamp":"soon`), "timestamp checksum"},
	"upload_id":                      {swap(`"upload_id":"(.)`, `"upload_id":"x$1`), "checksum"},
	"upload_id malformed":            {swap(`"upload_id":"..`, `"upload_id":"-_`), "id checksum"},
	"no upload_id":                   {swap(`,"upload_id":"\w+"`, ``), "head sequence_gap"},
	"upload_sha256":                  {swap(`"upload_sha256":"....`, `"upload_sha256":"0000`), "checksum"},
	"an upload_sha256 is gone": {func(s string) string {
		return strings.Replace(s, nth(s, 2), swap(`,"upload_sha256":"\w+"`, ``)(nth(s, 2)), 1)
	}, "no_checksum"},
	"a sequence is repeated": {replace(`"upload_sequence":3`, `"upload_sequence":2`), "sequence sequence_gap"},
	"a sequence falls":       {replace(`"upload_sequence":5`, `"upload_sequence":1`), "sequence object_metadata"},
	"a sequence is left out": {replace(`"upload_sequence":5`, `"upload_sequence":6`), "sequence_gap object_metadata"},
	"no sequence":            {replace(`"upload_sequence":3,`, ``), "head sequence_gap"},
	"an upload is gone": {func(s string) string { return strings.Replace(s, nth(s, 3)+",\n", "", 1) },
		"sequence_gap total_uploads total_fetches total_matches"},
	"an upload stands twice": {func(s string) string { return strings.Replace(s, nth(s, 3), nth(s, 3)+",\n"+nth(s, 3), 1) },
		"sequence id_twice fetch_twice fetch_twice total_uploads total_fetches total_matches"},
	"two uploads changed places": {func(s string) string {
		a, b := nth(s, 2), nth(s, 3)
		return strings.Replace(s, a+",\n"+b, b+",\n"+a, 1)
	}, "sequence_gap sequence"},
	"the comma between uploads": {replace("]},\n", "]}\n"), "frame"},
	"a line between uploads":    {replace("]},\n", "]},\n\n"), "frame"},
	"the end of the uploads":    {func(s string) string { return strings.TrimSuffix(s, "\n]}\n") + ",\n]}\n" }, "frame"},
	"carriage returns":          {func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, "frame truncated"},
	"indented by a tool":        {replace(`"uploads":[`, `"uploads": [`), "frame"},
}

func TestEachKindOfDamageIsFound(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		key := w.key()
		good := w.mem.Bytes(key)
		obj, err := w.mem.Stat(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(damages)) {
			d := damages[name]
			bad := d.edit(string(good))
			if bad == string(good) {
				t.Fatalf("%s: the edit changed nothing", name)
			}
			w.mem.Put(key, []byte(bad), obj.Meta)
			r := w.verify(archive.VerifyOptions{Count: footer})
			if got := codes(r); got != d.want {
				t.Errorf("%s: found %q, want %q\n%v", name, got, d.want, r.Findings)
			}
			for _, f := range r.Findings {
				if f.Day != day || f.Key != key || f.Text == "" || f.Severity() == archive.Error && f.Next == "" {
					t.Errorf("%s: %+v", name, f)
				}
			}
		}
	})
}

// sameText reports whether two compressed objects mean the same: some bits do not count.
func sameText(pack rotatelog.Compression, a, b []byte) bool {
	return pack != rotatelog.Uncompressed && bytes.Equal(textOf(pack, a), textOf(pack, b))
}

// textOf returns the text of an object, or nil if it does not decompress.
func textOf(pack rotatelog.Compression, object []byte) []byte {
	var r io.Reader
	var err error
	switch pack {
	case rotatelog.Zstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(object), zstd.WithDecoderConcurrency(1)); err == nil {
			defer d.Close()
			r = d
		}
	case rotatelog.Gzip:
		r, err = gzip.NewReader(bytes.NewReader(object))
	default:
		return object
	}
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	return text
}

// TestEachFlippedBitIsFound: in the text of a day, and in how it is compressed.
func TestEachFlippedBitIsFound(t *testing.T) {
	for _, pack := range compressions {
		t.Run(pack.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.Compression = pack
				w.write(5)
				key := w.key()
				good := w.mem.Bytes(key)
				obj, err := w.mem.Stat(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				bits := 8
				if !depth.Full() {
					bits = 1
				}
				for i := range good {
					for n := range bits {
						bit := (i + n) % 8
						bad := append([]byte(nil), good...)
						bad[i] ^= 1 << bit
						w.mem.Put(key, bad, obj.Meta)
						if r := w.verify(archive.VerifyOptions{}); codes(r) == "" && !sameText(pack, bad, good) {
							t.Errorf("bit %d of byte %d, %q for %q: nothing was found", bit, i, bad[i], good[i])
						}
					}
				}
			})
		})
	}
}

func TestTwoObjectsOfADay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		w.mem.Put(w.archive().Key(day, rotatelog.Gzip), []byte("x"), nil)
		if got := codes(w.verify(archive.VerifyOptions{})); got != "two_objects" {
			t.Errorf("found %q", got)
		}
	})
}

// TestDaysWithoutAnObject: one between others is missing, those before the first are not.
func TestDaysWithoutAnObject(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		time.Sleep(48 * time.Hour)
		w.write(4)
		var got []string
		for r, err := range archive.Verify(t.Context(), w.archive(), rotatelog.Day{Year: 2025, Month: 7, Date: 1}, rotatelog.Day{Year: 2025, Month: 7, Date: 12}, archive.VerifyOptions{Gap: 48 * time.Hour}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Day.String()+" "+codes(r))
		}
		if want := "2025-07-10 ,2025-07-11 day_missing,2025-07-12 "; strings.Join(got, ",") != want {
			t.Errorf("%q, want %q", strings.Join(got, ","), want)
		}
	})
}

func TestTimesWithoutAFetch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(20)
		time.Sleep(30 * time.Minute)
		w.write(20)
		r := w.verify(archive.VerifyOptions{})
		if codes(r) != "gap" || !strings.Contains(r.Findings[len(r.Findings)-1].Text, "no fetch from 12:19 PM to 12:50 PM") {
			t.Errorf("%v", r.Findings)
		}
		time.Sleep(24 * time.Hour)
		midnight := day.Next().Start(w.zone)
		want := [][2]time.Time{{midnight.Add(-11*time.Hour - 41*time.Minute), midnight.Add(-11*time.Hour - 10*time.Minute)}, {midnight.Add(-10*time.Hour - 51*time.Minute), midnight}}
		var got [][2]time.Time
		for _, f := range w.verify(archive.VerifyOptions{}).Findings {
			if f.Code == archive.Gap {
				got = append(got, [2]time.Time{f.From, f.To})
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// TestDayThatOnlyTheOldScriptWrote is good, though its daily_metadata has no
// total_fetches_today, and is not written again. A total that is there is compared.
func TestDayThatOnlyTheOldScriptWrote(t *testing.T) {
	const totals = `"total_uploads": 2,
    "total_matches_today": 7,`
	for add, want := range map[string]string{"": "", `"total_fetches_today": 3,`: "", `"total_fetches_today": 0,`: "total_fetches"} {
		inWorld(t, func(t *testing.T, w *world) {
			text := replace(`"total_uploads": 7,
    "total_matches_today": 0,`, totals+add)(scriptDay(t))
			w.mem.Put(w.archive().Key(day, rotatelog.Uncompressed), []byte(text), nil)
			if r := w.verify(archive.VerifyOptions{}); codes(r) != want || r.Totals.Fetches != 3 {
				t.Errorf("with %q: %v, %+v", add, r.Findings, r.Totals)
			}
			p, m := w.plan()
			defer m.Close()
			if p.Needed() != (want != "") {
				t.Errorf("with %q a restore is needed: %v", add, p.Needed())
			}
		})
	}
}

// TestDayOfTheOldScriptIsVerified: as it left it, and with uploads of a Writer after its
// own.
func TestDayOfTheOldScriptIsVerified(t *testing.T) {
	text := scriptDay(t)
	inWorld(t, func(t *testing.T, w *world) {
		key := w.archive().Key(day, rotatelog.Uncompressed)
		w.mem.Put(key, []byte(text), nil)
		for _, fetches := range []int{0, 4} {
			if w.write(fetches); fetches > 0 {
				if r := w.verify(archive.VerifyOptions{}); codes(r) != "" || r.Totals.Uploads != 4 || r.Totals.Fetches != 3+fetches {
					t.Errorf("%v, %+v", r.Findings, r.Totals)
				}
			}
		}
		for old, want := range map[string]string{`"n":2`: "checksum", `"upload_sequence":4`: "sequence object_metadata", `"fetches_in_upload":2`: "fetch_count checksum"} {
			good := w.mem.Bytes(key)
			obj, err := w.mem.Stat(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			w.edit(key, replace(old, old[:len(old)-1]+"1"))
			if got := codes(w.verify(archive.VerifyOptions{})); got != want {
				t.Errorf("%s: found %q, want %q", old, got, want)
			}
			w.mem.Put(key, good, obj.Meta)
		}
	})
}

// TestDayInTheDocumentsIsGood: the example of docs/FORMAT.md has the right checksum, and
// is laid out as it says.
func TestDayInTheDocumentsIsGood(t *testing.T) {
	format, err := os.ReadFile("../docs/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(format), "```json\n{\"daily_metadata\"")
	text, _, _ = strings.Cut(text, "```")
	text = `{"daily_metadata"` + text
	inWorld(t, func(t *testing.T, w *world) {
		w.mem.Put(w.archive().Key(day, rotatelog.Uncompressed), []byte(text), nil)
		if r := w.verify(archive.VerifyOptions{Count: footer}); codes(r) != "" || r.Totals.Uploads != 1 {
			t.Errorf("%v, %+v", r.Findings, r.Totals)
		}
	})
}

// TestDayIsHeldAgainstOtherCopies: a spool that has confirmed what the day lacks, and a
// mirror that has another text.
func TestDayIsHeldAgainstOtherCopies(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		key := w.key()
		spool, err := rotatelog.OpenSpoolReader(w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		mirror := w.archive()
		mem := storetest.NewMem()
		mem.Put(key, w.mem.Bytes(key), nil)
		mirror.Store = mem
		opts := archive.VerifyOptions{Spool: spool, Against: &mirror}
		if r := w.verify(opts); codes(r) != "" {
			t.Errorf("%v", r.Findings)
		}
		good := string(w.mem.Bytes(key))
		w.edit(key, func(s string) string { return strings.Replace(s, nth(s, 3)+",\n", "", 1) })
		if got := codes(w.verify(opts)); got != "sequence_gap total_uploads total_fetches total_matches not_in_day not_in_day" {
			t.Errorf("without an upload: %s", got)
		}
		w.mem.Put(key, []byte(good), nil)
		other := strings.Replace(nth(good, 3), nth(good, 3), nth(good, 4), 1)
		other = strings.Replace(other, `"upload_sequence":4`, `"upload_sequence":3`, 1)
		id := regexp.MustCompile(`"upload_id":"(\w+)"`)
		other = strings.Replace(other, id.FindStringSubmatch(nth(good, 4))[1], id.FindStringSubmatch(nth(good, 3))[1], 1)
		w.mem.Put(key, []byte(strings.Replace(good, nth(good, 3), other, 1)), nil)
		if got := codes(w.verify(opts)); !strings.Contains(got, "differs differs") {
			t.Errorf("with another text: %s", got)
		}
		mem.Delete(key)
		if got := codes(w.verify(archive.VerifyOptions{Against: &mirror})); !strings.Contains(got, "not_in_day") {
			t.Errorf("without a mirror: %s", got)
		}
	})
}
