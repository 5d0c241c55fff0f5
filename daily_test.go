package rotatelog

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/packed"
)

var updateGolden = flag.Bool("update", false, "rewrite the golden files")

var (
	testDay   = Day{2025, 7, 10}
	testDaily = dayKey{day: testDay}
)

var compareDocuments = cmp.AllowUnexported(dayState{}, span{}, uploadID{}, packed.Checksum{})

// testUpload returns the n-th upload of a day, with that many fetches.
func testUpload(n, fetches int) upload {
	u := upload{
		Timestamp: fmt.Sprintf("07/10/2025 %02d:%02d:00 AM EDT", 1+n/60%12, n%60),
		Matches:   6 * int64(fetches),
		Fetches:   fetches,
		ID:        fmt.Sprintf("TESTUPLOAD%016d", n),
	}
	for i := range fetches {
		if i > 0 {
			u.Data = append(u.Data, fetchSeparator...)
		}
		u.Data = fmt.Appendf(u.Data, `{"FETCH_HEADER":{"fetch_number":%d},"RAW_API_DATA":{"odds":1.10}}`, i+1)
	}
	return u
}

// applyParts does what Store.Write does with the parts.
func applyParts(t testing.TB, old []byte, parts []Part) []byte {
	t.Helper()
	var b []byte
	for i, p := range parts {
		if p.Data != nil {
			b = append(b, p.Data...)
			continue
		}
		if p.Off < 0 || p.Len <= 0 || p.Off+p.Len > int64(len(old)) {
			t.Fatalf("part %d copies %d bytes at %d of an object of %d", i, p.Len, p.Off, len(old))
		}
		b = append(b, old[p.Off:p.Off+p.Len]...)
	}
	return b
}

// mustScan scans a valid document.
func mustScan(t testing.TB, b []byte) dayState {
	t.Helper()
	d, _, err := scanDocument(testDaily, bytes.NewReader(b), int64(len(b)), 0)
	if err != nil {
		t.Fatalf("scanDocument: %v\n%s", err, b)
	}
	return d
}

// plainDay is a daily document as encoding/json sees it.
type plainDay struct {
	top      map[string]json.RawMessage
	metadata map[string]json.RawMessage
	entries  []json.RawMessage
}

func readPlain(b []byte) (p plainDay, err error) {
	if err = json.Unmarshal(b, &p.top); err != nil {
		return p, err
	}
	if raw, ok := p.top["daily_metadata"]; ok {
		if err = json.Unmarshal(raw, &p.metadata); err != nil {
			return p, fmt.Errorf("daily_metadata: %w", err)
		}
	}
	err = json.Unmarshal(p.top["uploads"], &p.entries)
	return p, err
}

// plainEntry returns the members of an entry that count.
func plainEntry(raw json.RawMessage) (sequence int, matches int64, fetches int, timestamp string, err error) {
	var members map[string]json.RawMessage
	if err = json.Unmarshal(raw, &members); err != nil {
		return
	}
	if n, err := strconv.Atoi(string(members["upload_sequence"])); err == nil {
		sequence = n
	}
	if n, err := strconv.ParseInt(string(members["matches_in_upload"]), 10, 64); err == nil && n > 0 {
		matches = n
	}
	timestamp = plainString(members["upload_timestamp"])
	if raw, ok := members["fetch_data"]; ok {
		var list []json.RawMessage
		err = json.Unmarshal(raw, &list)
		fetches = len(list)
	}
	return
}

// plainString returns what a raw value is as a string, or "".
func plainString(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	s, _ := v.(string)
	return s
}

// metadataOf returns the daily_metadata that the entries must have.
func metadataOf(t testing.TB, p plainDay) map[string]string {
	t.Helper()
	var matches int64
	var fetches int
	var first, last string
	for i, raw := range p.entries {
		_, m, f, timestamp, err := plainEntry(raw)
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if matches += m; matches < 0 {
			matches = math.MaxInt64
		}
		fetches += f
		if i == 0 {
			first = timestamp
		}
		last = timestamp
	}
	return map[string]string{
		"date":                testDay.String(),
		"total_uploads":       strconv.Itoa(len(p.entries)),
		"total_matches_today": strconv.FormatInt(matches, 10),
		"first_upload":        first,
		"last_upload":         last,
		"total_fetches_today": strconv.Itoa(fetches),
	}
}

// checkMetadata checks that daily_metadata agrees with the entries. Where the
// first entry has no timestamp, fallback is the right one.
func checkMetadata(t testing.TB, b []byte, fallback string) {
	t.Helper()
	p, err := readPlain(b)
	if err != nil {
		t.Fatalf("encoding/json: %v\n%s", err, b)
	}
	want := metadataOf(t, p)
	if want["first_upload"] == "" {
		want["first_upload"] = fallback
	}
	got := make(map[string]string)
	for name := range want {
		raw := p.metadata[name]
		if got[name] = string(raw); len(raw) > 0 && raw[0] == '"' {
			got[name] = plainString(raw)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("daily_metadata (-want +got):\n%s\n%s", diff, b)
	}
}

// checkAppend appends uploads to the document b, and checks everything that has
// to hold then. It returns the new document.
func checkAppend(t testing.TB, b []byte, d dayState, uploads ...upload) ([]byte, dayState) {
	t.Helper()
	return checkStep(t, b, d, uploads, func(d dayState) ([]Part, dayState) { return d.append(uploads...) })
}

// checkStep is checkAppend for any step that appends uploads.
func checkStep(t testing.TB, b []byte, d dayState, uploads []upload, step func(dayState) ([]Part, dayState)) ([]byte, dayState) {
	t.Helper()
	before := d
	parts, next := step(d)
	if diff := difference(before, d, compareDocuments); diff != "" {
		t.Fatalf("append changed its receiver (-before +after):\n%s", diff)
	}
	got := applyParts(t, b, parts)
	if next.size != int64(len(got)) {
		t.Fatalf("next.size = %d of %d bytes\n%s", next.size, len(got), got)
	}
	if diff := difference(mustScan(t, got), next, compareDocuments); diff != "" {
		t.Fatalf("what append says about the new document (-scanned +said):\n%s\n%s", diff, got)
	}
	if meta := next.meta(); meta != nil {
		cached, ok := documentFromMeta(testDaily, Object{Size: next.size, Meta: meta})
		if diff := difference(next, cached, compareDocuments); !ok || diff != "" {
			t.Fatalf("documentFromMeta(%v): %v (-want +got):\n%s", meta, ok, diff)
		}
	}
	checkKept(t, b, got, d, uploads)
	return got, next
}

// checkKept checks that the document after is the one before and the uploads.
func checkKept(t testing.TB, before, after []byte, d dayState, uploads []upload) {
	t.Helper()
	old := plainDay{top: map[string]json.RawMessage{}}
	if before != nil {
		var err error
		if old, err = readPlain(before); err != nil {
			t.Fatalf("encoding/json, before: %v\n%s", err, before)
		}
	}
	now, err := readPlain(after)
	if err != nil {
		t.Fatalf("encoding/json, after: %v\n%s", err, after)
	}
	fallback := plainString(old.metadata["first_upload"])
	if fallback == "" && len(uploads) > 0 {
		fallback = uploads[0].Timestamp
	}
	if len(uploads) > 0 {
		checkMetadata(t, after, fallback)
	}

	want := slices.Clone(old.entries)
	for i, u := range uploads {
		entry := fmt.Appendf(nil, `{"upload_sequence":%d,"upload_timestamp":%q,"matches_in_upload":%d,"fetches_in_upload":%d,"upload_id":%q,"fetch_data":[`+"\n%s]}",
			d.lastSequence+1+i, u.Timestamp, u.Matches, u.Fetches, u.ID, u.Data)
		want = append(want, entry)
	}
	if diff := difference(rawStrings(want), rawStrings(now.entries)); diff != "" {
		t.Fatalf("entries (-want +got):\n%s", diff)
	}
	for _, m := range []map[string]json.RawMessage{old.top, now.top} {
		delete(m, "uploads")
		delete(m, "daily_metadata")
	}
	for _, m := range []map[string]json.RawMessage{old.metadata, now.metadata} {
		for name := range m {
			if daytext.IsField(name) {
				delete(m, name)
			}
		}
	}
	if len(old.metadata)+len(now.metadata) > 0 {
		if diff := difference(old.metadata, now.metadata); diff != "" {
			t.Fatalf("foreign members of daily_metadata (-before +after):\n%s\n%s", diff, after)
		}
	}
	if diff := difference(old.top, now.top); diff != "" {
		t.Fatalf("foreign members (-before +after):\n%s", diff)
	}
}

// difference is cmp.Diff, which is slow where there is none.
func difference(want, got any, opts ...cmp.Option) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got, opts...)
}

func rawStrings(raw []json.RawMessage) []string {
	s := make([]string, len(raw))
	for i := range raw {
		s[i] = string(raw[i])
	}
	return s
}

func TestDayKey(t *testing.T) {
	const want = "all_api_rotating_logs/all_api_json_log_2025-07-10.json"
	for pack, suffix := range map[Compression]string{Uncompressed: "", Zstd: ".zst", Gzip: ".gz"} {
		if got := (dayKey{testDay, pack}).key("all_api_rotating_logs/", "all_api"); got != want+suffix {
			t.Errorf("%v: key = %q, want %q", pack, got, want+suffix)
		}
	}
}

// TestNewDocumentIsAsDocumented spells out the format, on which consumers depend.
func TestNewDocumentIsAsDocumented(t *testing.T) {
	u := upload{Timestamp: "07/10/2025 12:01:00 AM EDT", Matches: 60, Fetches: 2, ID: "aBc123XyZ456", Data: []byte(`{"a":1},` + "\n" + `{"b":2}`)}
	parts, _ := newDocument(testDaily).append(u, u)
	want := `{"daily_metadata":{"date":"2025-07-10","total_uploads":2,"total_matches_today":120,"first_upload":"07/10/2025 12:01:00 AM EDT","last_upload":"07/10/2025 12:01:00 AM EDT","total_fetches_today":4},
"uploads":[
{"upload_sequence":1,"upload_timestamp":"07/10/2025 12:01:00 AM EDT","matches_in_upload":60,"fetches_in_upload":2,"upload_id":"aBc123XyZ456","fetch_data":[
{"a":1},
{"b":2}]},
{"upload_sequence":2,"upload_timestamp":"07/10/2025 12:01:00 AM EDT","matches_in_upload":60,"fetches_in_upload":2,"upload_id":"aBc123XyZ456","fetch_data":[
{"a":1},
{"b":2}]}
]}
`
	if diff := cmp.Diff(want, string(applyParts(t, nil, parts))); diff != "" {
		t.Errorf("new document (-want +got):\n%s", diff)
	}
}

// TestGoldenDocuments appends to what is there, in one step or in several.
func TestGoldenDocuments(t *testing.T) {
	one, two, three := testUpload(1, 1), testUpload(2, 2), testUpload(3, 3)
	tests := []struct {
		before, after string
		appends       [][]upload
	}{
		{"", "new-one.json", [][]upload{{one}}},
		{"", "new-three.json", [][]upload{{one}, {two, three}}},
		{"", "new-none.json", [][]upload{{}}},
		{"script.json", "script-after.json", [][]upload{{one}, {two}}},
		{"last.json", "last-after.json", [][]upload{{two}, {three}}},
		{"extras.json", "extras-after.json", [][]upload{{two}, {three}}},
		{"bare.json", "bare-after.json", [][]upload{{one}, {two}}},
		{"null.json", "null-after.json", [][]upload{{one}, {two}}},
	}
	for _, test := range tests {
		t.Run(test.after, func(t *testing.T) {
			var b []byte
			d := newDocument(testDaily)
			if test.before != "" {
				b = readGolden(t, test.before)
				d = mustScan(t, b)
			}
			for _, uploads := range test.appends {
				b, d = checkAppend(t, b, d, uploads...)
			}
			if *updateGolden {
				if err := os.WriteFile(filepath.Join("testdata", "daily", test.after), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want := readGolden(t, test.after)
			if diff := cmp.Diff(string(want), string(b)); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
		})
	}
}

func readGolden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "daily", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAppendRandom compares splicing to parsing, for documents of every shape.
func TestAppendRandom(t *testing.T) {
	t.Parallel()
	rounds := depth.N(100, 200, 500)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range rounds {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		b := randomDay(rng)
		d := mustScan(t, b)
		for n := range 1 + rng.IntN(4) {
			var uploads []upload
			for i := range rng.IntN(4) {
				uploads = append(uploads, testUpload(10*n+i, 1+rng.IntN(12)))
			}
			b, d = checkAppend(t, b, d, uploads...)
		}
	}
}

// randomDay returns a daily document that anyone might have written.
func randomDay(rng *rand.Rand) []byte {
	var entries []string
	for i := range rng.IntN(20) {
		entries = append(entries, randomEntry(rng, i+1))
	}
	top := []string{`"uploads":[` + strings.Join(entries, ",") + `]`}
	switch rng.IntN(5) {
	case 0: // none
	case 1:
		top = append(top, `"daily_metadata":null`)
	default:
		top = append(top, `"daily_metadata":`+randomObject(rng, []string{
			`"date":"2025-07-09"`, `"total_uploads":7`, `"total_uploads":"8"`, `"total_matches_today":null`,
			`"first_upload":"07/10/2025 12:00:01 AM EDT"`, `"last_upload":1`, `"total_fetches_today":[{}]`,
			`"host":{"date":"}"}`, `"Date":1.10`, `"pipeline":"a,\"b"`, `"":[]`,
		}))
	}
	for i := range rng.IntN(3) {
		top = append(top, fmt.Sprintf(`"other%d":{"uploads":[%d],"daily_metadata":"]}"}`, i, i))
	}
	rng.Shuffle(len(top), func(i, j int) { top[i], top[j] = top[j], top[i] })
	return randomLayout(rng, "{"+strings.Join(top, ",")+"}")
}

func randomEntry(rng *rand.Rand, n int) string {
	fetches := make([]string, rng.IntN(4))
	for i := range fetches {
		fetches[i] = `{"total_matches":5,"text":"]}]}\n\"upload_id\":\"x\""}`
	}
	return randomObject(rng, []string{
		fmt.Sprintf(`"upload_sequence":%d`, n), fmt.Sprintf(`"upload_sequence":%d`, rng.IntN(40)),
		`"upload_sequence":"9"`, `"upload_timestamp":"07/10/2025 01:02:03 AM EDT"`, `"upload_timestamp":null`,
		fmt.Sprintf(`"matches_in_upload":%d`, rng.IntN(100)), `"matches_in_upload":-3`, `"matches_in_upload":1.5`,
		fmt.Sprintf(`"upload_id":"FOREIGN%08d"`, n), `"upload_id":"odd id"`,
		`"fetch_data":[` + strings.Join(fetches, ",") + `]`, `"fetch_data":[]`,
		`"note":[[],{"fetch_data":0}]`,
	})
}

// randomObject returns an object of some of the members, in any order.
func randomObject(rng *rand.Rand, members []string) string {
	members = slices.Clone(members)
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members[:rng.IntN(len(members)+1)], ",") + "}"
}

// randomLayout returns the text compact, indented, or with lines around it.
func randomLayout(rng *rand.Rand, text string) []byte {
	var b bytes.Buffer
	switch rng.IntN(4) {
	case 0:
		b.WriteString(text)
	case 1:
		b.WriteString("\r\n " + text + "\n\t")
	case 2:
		json.Indent(&b, []byte(text), "", strings.Repeat(" ", rng.IntN(5)))
	case 3:
		json.Indent(&b, []byte(text), " ", "\t")
		b.WriteString("\n")
	}
	return b.Bytes()
}

// TestAppendsOfADayNeedOnlyMetadata follows a day of many uploads, each from the metadata of
// the one before.
func TestAppendsOfADayNeedOnlyMetadata(t *testing.T) {
	for _, start := range []string{"", "last.json", "extras.json", "script.json"} {
		t.Run(start, func(t *testing.T) {
			var b []byte
			d := newDocument(testDaily)
			if start != "" {
				b = readGolden(t, start)
				d = mustScan(t, b)
			}
			for n := range 40 {
				b, _ = checkAppend(t, b, d, testUpload(n, 2))
				_, next := d.append(testUpload(n, 2))
				var ok bool
				if d, ok = documentFromMeta(testDaily, Object{Size: int64(len(b)), Meta: next.meta()}); !ok {
					t.Fatalf("after %d uploads there is no document in %v", n+1, next.meta())
				}
			}
		})
	}
}

// TestAppendIsCheap: where daily_metadata comes last, an append is a prefix of
// the old object and new text, and the fetches are not copied in memory.
func TestAppendIsCheap(t *testing.T) {
	u := testUpload(2, 1)
	u.Data = fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", 1<<20))
	d := mustScan(t, readGolden(t, "last.json"))
	for range 2 {
		parts, next := d.append(u)
		if diff := cmp.Diff(Copy(0, d.end), parts[0]); diff != "" {
			t.Errorf("first part (-want +got):\n%s", diff)
		}
		shared := false
		for _, p := range parts[1:] {
			if p.Data == nil {
				t.Errorf("another copy: %d bytes at %d", p.Len, p.Off)
			} else if &p.Data[0] == &u.Data[0] {
				shared = true
			}
		}
		if len(parts) != 4 || !shared {
			t.Errorf("%d parts, and the Data of the upload among them: %v", len(parts), shared)
		}
		d = next
	}
	for _, p := range first(newDocument(testDaily).append(u)) {
		if p.Data == nil {
			t.Errorf("a new document copies %d bytes at %d", p.Len, p.Off)
		}
	}
}

func first(parts []Part, _ dayState) []Part { return parts }

// TestDocumentCanBeAppendedToAgain: a document can be appended to again, as after a lost race.
func TestDocumentCanBeAppendedToAgain(t *testing.T) {
	_, d := newDocument(testDaily).append(testUpload(0, 1))
	for n := 1; n < 20; n++ {
		_, d = d.append(testUpload(n, 1))
	}
	_, a := d.append(testUpload(30, 1))
	_, b := d.append(testUpload(31, 1))
	for name, next := range map[string]dayState{testUpload(30, 1).ID: a, testUpload(31, 1).ID: b} {
		if sequence, ok := next.find(name); sequence != 21 || !ok {
			t.Errorf("find(%s) = %d, %v, want 21", name, sequence, ok)
		}
	}
	if _, ok := b.find(testUpload(30, 1).ID); ok {
		t.Error("the one append shows in the other")
	}
}

func TestUploadIsFoundByItsID(t *testing.T) {
	d := mustScan(t, readGolden(t, "script.json")) // sequences 1 and 7, without ids
	for n := range 5 {
		_, d = d.append(testUpload(n, 1))
	}
	if _, ok := d.find(""); ok {
		t.Error("an entry without an id was found by the empty id")
	}
	if !d.covers(0) {
		t.Error("7 entries are not all covered")
	}
	for n := 5; n < 20; n++ {
		_, d = d.append(testUpload(n, 1))
	}
	for n := range 20 { // sequences 8 to 27; the last 16 are known
		want := 0
		if n >= 4 {
			want = 8 + n
		}
		if sequence, ok := d.find(testUpload(n, 1).ID); sequence != want || ok != (want > 0) {
			t.Errorf("find(upload %d) = %d, %v, want %d", n, sequence, ok, want)
		}
	}
	for sequence := range 30 {
		if got, want := d.covers(sequence), sequence >= 11; got != want {
			t.Errorf("covers(%d) = %v, want %v", sequence, got, want)
		}
	}
}

// fullDocument has as much metadata as any of ours can.
func fullDocument() dayState {
	d := newDocument(testDaily)
	d.totals.Uploads, d.totals.Fetches, d.totals.Matches = 1234567, 12345670, 987654321
	d.lastSequence = 9999960
	d.first, d.last = "07/10/2025 12:01:00 AM EDT", "07/10/2025 12:02:00 AM EDT"
	d.size, d.end, d.tail = 987654321098+int64(len("\n]}\n")), 987654321098, "\n]}\n"
	d.begin, d.fields.n = int64(len(firstFields+firstUploads)+260), 260
	for n := range maxRecent + 1 {
		_, d = d.append(upload{Timestamp: "07/10/2025 11:59:45 PM EDT", Fetches: 10, ID: fmt.Sprintf("%026d", n)})
	}
	return d
}

func TestMetadataHoldsTheDaysState(t *testing.T) {
	d := fullDocument()
	meta := d.meta()
	total := 0
	for name, value := range meta {
		total += len(name) + len(value)
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("metadata name %q", name)
		}
		for _, c := range []byte(value) {
			if c <= ' ' || c > '~' {
				t.Errorf("metadata value with byte %#x: %q", c, value)
			}
		}
	}
	t.Logf("%d bytes: %v", total, meta)
	if total == 0 || total > 1400 {
		t.Errorf("%d bytes of metadata", total)
	}

	meta["rotatelog-owner"] = "somebody"
	got, ok := documentFromMeta(testDaily, Object{Size: d.size, Meta: meta})
	if diff := cmp.Diff(d, got, compareDocuments); !ok || diff != "" {
		t.Errorf("documentFromMeta: %v (-want +got):\n%s", ok, diff)
	}

	d.first = strings.Repeat("x", maxCache)
	if meta := d.meta(); meta != nil {
		t.Errorf("metadata of %d bytes was not refused", len(meta[cacheKey]))
	}
	if meta := mustScan(t, readGolden(t, "script.json")).meta(); meta != nil {
		t.Errorf("a document whose metadata is still the old script's was cached: %v", meta)
	}
}

// TestMetadataFormatIsStable: later releases must understand the metadata of today's
// objects.
func TestMetadataFormatIsStable(t *testing.T) {
	_, small := newDocument(testDaily).append(testUpload(1, 2))
	_, large := small.appendAs(metadataLast, testUpload(2, 2))
	for want, d := range map[string]dayState{
		"begin=206&day=2025-07-10&end=509&fetches=2&fields=19-173&first=07%2F10%2F2025+01%3A01%3A00+AM+EDT&last=07%2F10%2F2025+01%3A01%3A00+AM+EDT" +
			"&matches=12&recent=1.TESTUPLOAD0000000000000001&sequence=1&since=0&size=513&tail=%0A%5D%7D%0A&uploads=1&v=2": small,
		"begin=12&day=2025-07-10&end=619&fetches=4&fields=641-173&first=07%2F10%2F2025+01%3A01%3A00+AM+EDT&last=07%2F10%2F2025+01%3A02%3A00+AM+EDT" +
			"&matches=24&recent=1.TESTUPLOAD0000000000000001-2.TESTUPLOAD0000000000000002&sequence=2&since=0&size=817" +
			"&tail=%0A%5D%2C%0A%22daily_metadata%22%3A%7B%7D%7D%0A&uploads=2&v=2": large,
	} {
		if diff := cmp.Diff(map[string]string{cacheKey: want}, d.meta()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	}
}

func TestDocumentFromMetaRefuses(t *testing.T) {
	d := fullDocument()
	value := d.meta()[cacheKey]
	tests := []struct{ name, old, new string }{
		{"version", "v=2", "v=1"},
		{"day", "day=2025-07-10", "day=2025-07-11"},
		{"size", "size=", "size=1"},
		{"negative", "uploads=", "uploads=-"},
		{"not a number", "end=", "end=x"},
		{"not canonical", "end=", "end=0"},
		{"unknown value", "v=2", "v=2&z=1"},
		{"value given twice", "v=2", "v=2&v=2"},
		{"fields at the start", "fields=19-", "fields=0-"},
		{"fields too long", "fields=19-", "fields=19-9999999999999"},
		{"fields after the end", "fields=19-", "fields=9999999999999-"},
		{"fields over the end", "fields=19-", "fields=19-9999999"},
		{"end after the end", "end=", "end=1"},
		{"end before", "end=9", "end="},
		{"no begin", "begin=", "begun="},
		{"begin before the fields", "begin=", "begin=1&"},
		{"begin after the end", "begin=", "begin=9999999999999"},
		{"tail", "tail=%0A", "tail="},
		{"more uploads than sequences", "uploads=1", "uploads=91"},
		{"last sequence", "sequence=9999977", "sequence=9999978"},
		{"since", "since=9999961", "since=9999963"},
		{"descending", "recent=9999962.", "recent=9999964."},
		{"one more", "recent=", "recent=9999961.-"},
		{"bad id", "recent=9999962.0", "recent=9999962._"},
		{"short id", "-9999977.00000000000000000000000016", "-9999977.0000016"},
		{"not a query", "v=2", "v=%zz"},
		{"empty", value, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			odd := strings.Replace(value, test.old, test.new, 1)
			if odd == value {
				t.Fatalf("%q is not in %s", test.old, value)
			}
			if d, ok := documentFromMeta(testDaily, Object{Size: d.size, Meta: map[string]string{cacheKey: odd}}); ok {
				t.Errorf("%s\nwas taken for %+v", odd, d)
			}
		})
	}
	if _, ok := documentFromMeta(testDaily, Object{Size: d.size}); ok {
		t.Error("no metadata was taken for some")
	}
	if _, ok := documentFromMeta(dayKey{day: testDay.Next()}, Object{Size: d.size, Meta: d.meta()}); ok {
		t.Error("the metadata of another day was taken")
	}
	if _, ok := documentFromMeta(testDaily, Object{Size: d.size + 1, Meta: d.meta()}); ok {
		t.Error("the metadata of another size was taken")
	}
}

// FuzzMeta: whatever the metadata says, no offset taken from it leaves the object.
func FuzzMeta(f *testing.F) {
	_, one := newDocument(testDaily).append(testUpload(1, 1))
	_, last := mustScan(f, readGolden(f, "last.json")).append(testUpload(2, 1))
	_, extras := mustScan(f, readGolden(f, "extras.json")).append(testUpload(2, 1))
	for _, d := range []dayState{one, last, extras, fullDocument()} {
		f.Add(d.meta()[cacheKey], d.size)
	}
	f.Fuzz(func(t *testing.T, value string, size int64) {
		d, ok := documentFromMeta(testDaily, Object{Size: size, Meta: map[string]string{cacheKey: value}})
		if !ok {
			return
		}
		for _, to := range []layout{metadataFirst, metadataLast} {
			parts, next := d.appendAs(to, testUpload(1, 1))
			checkInside(t, parts, size, next.size)
		}
	})
}

// checkInside checks that parts copy from an object of that size, in order, and
// make one of the other.
func checkInside(t testing.TB, parts []Part, size, want int64) {
	t.Helper()
	var total, at int64
	for _, p := range parts {
		total += p.Size()
		if p.Data == nil {
			if p.Off < at || p.Len <= 0 || p.Len > size-p.Off {
				t.Fatalf("copy of %d bytes at %d of %d, after %d", p.Len, p.Off, size, at)
			}
			at = p.Off + p.Len
		}
	}
	if total != want {
		t.Fatalf("parts of %d bytes make an object of %d", total, want)
	}
}

// TestMutatedMetadataStaysWithinTheObject mutates each character of real metadata.
func TestMutatedMetadataStaysWithinTheObject(t *testing.T) {
	_, d := mustScan(t, readGolden(t, "last.json")).append(testUpload(2, 1))
	value := d.meta()[cacheKey]
	taken := 0
	for i := range value {
		for _, c := range "09-.&=%aZ" {
			for _, odd := range []string{value[:i] + string(c) + value[i+1:], value[:i] + string(c) + value[i:], value[:i] + value[i+1:]} {
				got, ok := documentFromMeta(testDaily, Object{Size: d.size, Meta: map[string]string{cacheKey: odd}})
				if !ok {
					continue
				}
				taken++
				if f := got.fields; f.off <= 0 || f.n < 0 || f.off+f.n >= d.size || got.end <= 0 || got.end >= d.size || got.end+int64(len(got.tail)) > d.size {
					t.Fatalf("%s\nleads outside: %+v", odd, got)
				}
				applyParts(t, make([]byte, d.size), first(got.append(testUpload(3, 1))))
			}
		}
	}
	if taken == 0 {
		t.Error("no mutation was taken, not even of a count: this test tests nothing")
	}
}
